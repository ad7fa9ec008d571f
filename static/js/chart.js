/* The chart of clicks, signups and commission. Its numbers are those of the table beneath it. */
"use strict";

(() => {
  const place = document.getElementById("chart");
  if (!place || !window.uPlot) return;
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let plot = null;

  const axis = (extra) => ({
    stroke: token("--ink-2"),
    font: "14px Inter, system-ui, sans-serif",
    grid: { stroke: token("--line"), width: 1 },
    ticks: { show: false },
    ...extra,
  });

  const draw = () => {
    plot?.destroy();
    const day = new Intl.DateTimeFormat(data.locale, { day: "numeric", month: "short", timeZone: "UTC" });
    const money = new Intl.NumberFormat(data.locale, {
      style: "currency",
      currency: data.currency,
      maximumFractionDigits: 0,
    });
    const line = (name, scale, dash) => ({
      label: name,
      scale,
      stroke: token(dash.colour),
      width: 2,
      dash: dash.pattern,
      points: { show: false },
    });
    plot = new uPlot(
      {
        width: place.clientWidth,
        height: place.clientHeight,
        cursor: { y: false, drag: { setScale: false } },
        legend: { show: false },
        scales: { x: { time: false }, count: { range: (u, min, max) => [0, Math.max(4, max)] }, money: { range: (u, min, max) => [0, Math.max(1, max)] } },
        axes: [
          axis({
            grid: { show: false },
            size: 32,
            space: 70,
            incrs: [1, 2, 5, 7, 14, 30],
            values: (u, ticks) => ticks.map((t) => (data.days[t] ? day.format(new Date(data.days[t])) : "")),
          }),
          axis({ scale: "count", size: 40, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10000] }),
          axis({
            scale: "money",
            side: 1,
            size: 60,
            grid: { show: false },
            values: (u, ticks) => ticks.map((t) => money.format(t)),
          }),
        ],
        series: [
          {},
          {
            label: data.labels[2],
            scale: "money",
            stroke: token("--series-1"),
            fill: token("--accent-wash"),
            width: 1,
            paths: uPlot.paths.bars({ size: [0.6, 24] }),
            points: { show: false },
          },
          line(data.labels[0], "count", { colour: "--series-3", pattern: [] }),
          line(data.labels[1], "count", { colour: "--series-2", pattern: [6, 4] }),
        ],
      },
      [data.days.map((_, i) => i), data.commission, data.clicks, data.signups],
      place,
    );
  };

  draw();
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: place.clientHeight })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
