/* Copying, charts and htmx's settings. Everything else on the pages works without this file. */
"use strict";

(() => {
  const copy = async (field) => {
    try {
      await navigator.clipboard.writeText(field.value);
      return true;
    } catch {
      // Outside a secure context the clipboard API is missing; a selected field can still be copied.
      field.focus();
      field.select();
      return document.execCommand("copy");
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    if (!(await copy(field))) {
      field.select();
      return;
    }
    const label = button.textContent;
    button.disabled = true;
    button.textContent = button.dataset.done;
    document.getElementById("announce").textContent = button.dataset.done;
    setTimeout(() => {
      button.textContent = label;
      button.disabled = false;
      button.focus();
    }, 1600);
  });

  // A form is sent once: a second click while the answer is on its way does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method === "post" && !form.hasAttribute("data-download")) {
      form.dataset.sent = "1";
      addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
    }
  });

  // A flashed message is a toast: it can be closed, and good news goes by itself unless somebody is at it.
  document.querySelectorAll(".toasts").forEach((shelf) => {
    shelf.querySelectorAll(".notice").forEach((toast) => {
      const close = document.createElement("button");
      close.type = "button";
      close.className = "close";
      close.setAttribute("aria-label", shelf.dataset.close);
      close.addEventListener("click", () => toast.remove());
      toast.append(close);
      if (!toast.classList.contains("done")) return;
      const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : toast.remove());
      setTimeout(leave, 8000);
    });
  });

  // A link to a page that asks first opens that page's question over this one. Whatever goes wrong, the link is a link.
  const ask = async (link) => {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
    const asked = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    const dialog = document.createElement("dialog");
    const title = asked.querySelector("h1");
    title.id = "dialog-title";
    dialog.setAttribute("aria-labelledby", title.id);
    asked.querySelectorAll(".crumb, .toasts").forEach((each) => each.remove());
    asked.querySelectorAll("form:not([action])").forEach((form) => form.setAttribute("action", link.href));
    dialog.append(...asked.childNodes);
    dialog.addEventListener("click", (event) => {
      const leaves = event.target === dialog || event.target.closest("[data-leave]");
      if (!leaves) return;
      event.preventDefault();
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      link.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    ask(link).catch(() => location.assign(link.href));
  });

  // One key to search: "/" as on many sites, unless somebody is typing.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const fields = [...document.querySelectorAll("[data-search]")];
    const field = fields.find((each) => each.offsetParent);
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  // On a phone the navigation scrolls sideways: the page one is on is brought into sight, and what follows it hinted at.
  document.querySelectorAll("header [aria-current], .tabs [aria-current]").forEach((link) => {
    const strip = link.closest("ul");
    const end = link.offsetLeft - strip.offsetLeft + link.offsetWidth;
    strip.scrollLeft = Math.max(0, end + 48 - strip.clientWidth);
  });

  // The first wrong field of a form takes the focus.
  document.querySelector("[aria-invalid=true]")?.focus();
})();
