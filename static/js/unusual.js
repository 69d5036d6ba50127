// On the page of a log its unusual lines, once opened, stand alone: ?view=unusual. A line that is
// clicked is shown in the log ([data-mt=unusual]).
(() => {
  "use strict";
  const part = document.querySelector("details:has(> [data-mt=unusual])");
  const lines = document.querySelector("[data-mt=log-lines]");
  if (!part || !lines) return;
  const view = () => {
    lines.hidden = part.open;
    const address = new URL(location.href);
    if (part.open) address.searchParams.set("view", "unusual");
    else if (address.searchParams.get("view") === "unusual") address.searchParams.delete("view");
    if (address.href === location.href) return;
    try { history.replaceState(null, "", address); } catch { /* some browsers refuse on file: */ }
  };
  part.addEventListener("click", (event) => {
    if (!event.target.closest("li a")) return;
    part.open = false;
    view();
  });
  if (new URL(location.href).searchParams.get("view") === "unusual") part.open = true;
  view();
  part.addEventListener("toggle", view);
})();
