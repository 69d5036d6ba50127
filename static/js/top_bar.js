// What lies beside the ancestors of a page, and beside itself: one list for each level, from the
// shard that lies beside the page above it. A level without its shard is left out.
(() => {
  "use strict";
  // What is cut off is told to who points at it.
  document.addEventListener("mouseover", ({ target }) => {
    const cut = target.closest?.("a, span, th, td, code, summary");
    if (cut && !cut.title && cut.scrollWidth > cut.clientWidth && getComputedStyle(cut).textOverflow === "ellipsis") cut.title = cut.textContent;
  });
  const bar = document.querySelector("[data-mt=top-bar]");
  const crumbs = bar ? [...bar.querySelectorAll(".crumbs a")] : [];
  const kind = document.body.className;
  const here = new URL(location.href);
  here.search = here.hash = "";
  const own = document.querySelector(".key-value:last-child small") || document.querySelector(".kicker");
  const levels = crumbs.filter((a) => a.title !== "run" && a.title !== "test")
    .map((a) => [a.title, new URL(a.href)]);
  if (kind === "area" || kind === "target") levels.push([own ? own.textContent : "", here]);
  if (!levels.length || !window.mtLoad) return;

  const MOST = 200;
  const make = window.mtElement;
  const add = (panel, title, page, below) => {
    const parent = new URL("../index.html", page);
    const column = make("div", "", panel);
    make("b", title, column);
    const all = below.names.map(([name, href]) => [name, new URL(href, parent).href]);
    const at = all.findIndex(([, href]) => href === page.href);
    const from = Math.max(0, Math.min(at - MOST / 2, all.length - MOST));
    for (const [name, href] of all.slice(from, from + MOST)) {
      const link = make("a", "", column);
      make("bdi", name, link);
      link.href = href;
      if (href === page.href) link.setAttribute("aria-current", "true");
    }
    if (below.total > MOST) make("a", `all ${below.total}`, column).href = parent.href;
  };

  let panel = null;
  const close = () => {
    if (!panel) return false;
    panel.remove();
    panel = null;
    button.setAttribute("aria-expanded", "false");
    return true;
  };
  const open = async () => {
    if (close()) return;
    panel = document.createElement("nav");
    panel.className = "levels";
    panel.setAttribute("aria-label", "What lies beside");
    const mine = panel;
    const key = (page) => new URL("../_below.js", page).href;
    // One after the other: all shards have one name.
    for (const [title, page] of levels) {
      const below = await window.mtLoad(key(page), "below").catch(() => null);
      if (panel !== mine) return;
      if (below) add(mine, title, page, below);
    }
    if (!mine.childElementCount) make("p", "The lists of this site are not here.", mine);
    bar.append(mine);
    button.setAttribute("aria-expanded", "true");
    for (const link of mine.querySelectorAll("[aria-current]")) {
      link.parentElement.scrollTop = link.offsetTop - 80;
    }
    const last = [...mine.querySelectorAll("a[aria-current]")].pop() || mine.querySelector("a");
    if (last) last.focus();
  };
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Beside";
  button.title = "what lies beside this page and those above it";
  button.dataset.key = "b";
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", open);
  bar.querySelector(".tools").prepend(button);
  document.addEventListener("click", (event) => {
    if (panel && !bar.contains(event.target)) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && close()) { button.focus(); event.preventDefault(); }
  }, true);
})();
