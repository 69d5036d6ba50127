// Blocking, in the head: a page that someone wants dark is never white first.
(() => {
  "use strict";
  const root = document.documentElement;
  const read = () => { try { return localStorage.getItem("mt-theme") || ""; } catch { return ""; } };
  const keep = (theme) => { try { localStorage.setItem("mt-theme", theme); } catch { /* not kept */ } };
  const show = (theme) => { if (theme) root.dataset.theme = theme; else delete root.dataset.theme; };
  show(read());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-mt=theme]");
    if (!button) return;
    button.hidden = false;
    const name = () => { button.textContent = root.dataset.theme || "auto"; };
    name();
    button.addEventListener("click", () => {
      const next = { "": "dark", dark: "light", light: "" }[root.dataset.theme || ""];
      keep(next);
      show(next);
      name();
    });
  });
})();
