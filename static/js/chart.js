/* The chart of clicks, signups and commission. Its numbers are those of the table beneath it. */
"use strict";

(() => {
  const place = document.getElementById("chart");
  if (!place || !window.uPlot) return;
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const reading = document.getElementById("chart-reading");
  const last = data.readings.length - 1;
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let plot = null;

  const axis = (extra) => ({
    stroke: token("--ink-2"),
    font: "14px Inter, system-ui, sans-serif",
    grid: { stroke: token("--line"), width: 1 },
    ticks: { show: false },
    ...extra,
  });

  // One point in words: beneath the chart for the eye, as the slider's value for a screen reader.
  const tell = (index) => {
    if (index == null) return;
    reading.textContent = data.readings[index];
    place.setAttribute("aria-valuenow", index);
    place.setAttribute("aria-valuetext", data.readings[index]);
  };

  const draw = () => {
    plot?.destroy();
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
      points: { show: last < 1 },
    });
    plot = new uPlot(
      {
        width: place.clientWidth,
        height: place.clientHeight,
        cursor: { y: false, drag: { setScale: false } },
        legend: { show: false },
        hooks: { setCursor: [(u) => tell(u.cursor.idx)] },
        scales: {
          x: { time: false, range: (u, min, max) => (last < 1 ? [-1, 1] : [min - 0.5, max + 0.5]) },
          count: { range: (u, min, max) => [0, Math.max(4, max)] },
          money: { range: (u, min, max) => [0, Math.max(1, max)] },
        },
        axes: [
          axis({
            grid: { show: false },
            size: 32,
            space: 70,
            incrs: [1, 2, 5, 7, 14, 30, 60],
            values: (u, ticks) => ticks.map((t) => data.ticks[t] ?? ""),
          }),
          axis({ scale: "count", size: 40, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2500, 5000, 10000] }),
          axis({
            scale: "money",
            side: 1,
            size: 60,
            // Whole units: the labels have no cents.
            incrs: [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6, 7].map((e) => n * 10 ** e)).sort((a, b) => a - b),
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
      [data.readings.map((_, i) => i), data.commission, data.clicks, data.signups],
      place,
    );
  };

  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -Infinity, End: Infinity };

  const go = (index) => {
    const left = plot.valToPos(index, "x");
    plot.setCursor({ left, top: plot.over.clientHeight / 2 });
    tell(index);
  };

  const here = () => Number(place.getAttribute("aria-valuenow"));

  draw();
  place.setAttribute("role", "slider");
  place.tabIndex = 0;
  place.setAttribute("aria-valuemin", 0);
  place.setAttribute("aria-valuemax", last);
  place.setAttribute("aria-valuenow", last);
  place.setAttribute("aria-valuetext", data.readings[last]);
  place.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(Math.min(last, Math.max(0, here() + step)));
  });
  place.addEventListener("focus", () => place.matches(":focus-visible") && go(here()));
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: place.clientHeight })).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
