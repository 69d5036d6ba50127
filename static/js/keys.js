// Keys are the same on every page. A link or button with data-key is what its key clicks.
(() => {
  "use strict";
  const button = document.querySelector("[data-mt=keys]");
  if (!button) return;
  // Keys, what they do, and what a page must have for them to do it.
  const LIST = [
    ["/", "search", "[data-key='/'], input[type=search]"], ["f", "filter", "input[type=search]"], ["j  k", "next, previous row", "[data-row]"], ["Enter", "open the row", "[data-row]"],
    ["n  p", "next, previous failure", "[data-row][data-s], [data-key=n], [data-key=p], [data-finding]"], ["[  ]", "run before, run after", "[data-key='['], [data-key=']']"], ["u", "up one level", ".crumbs a, [data-key=u]"],
    ["⇧ click", "two runs above a grid: compare them", ".run-grid thead a"], ["b", "what lies beside this page; unusual lines", "[data-key=b]"], ["o", "open the log at its first failure", "[data-key=o]"], ["r", "the raw log", "[data-key=r]"],
    ["g  w  e  d", "log: go to a line, wrap, open the gap, times", "[data-mt=log-lines]"], [".", "copy the link", "[data-key='.']"], ["t", "light, dark or auto", "[data-key=t]"],
    ["Esc", "clear the filter or the chosen lines", "input[type=search], [data-mt=log-lines], [data-mt=grid-card]"], ["?", "this list", "[data-key='?']"],
  ];

  const make = window.mtElement;
  let dialog = null;
  const help = () => {
    if (!dialog) {
      dialog = make("dialog", "", document.body);
      dialog.className = "keys";
      make("h2", "Keys", dialog).id = "keys-name";
      dialog.setAttribute("aria-labelledby", "keys-name");
      const list = make("dl", "", dialog);
      for (const [keys, does, where] of LIST) {
        if (!document.querySelector(where)) continue;
        const term = make("dt", "", list);
        for (const key of keys.split("  ")) { make("kbd", key, term); term.append(" "); }
        make("dd", does, list);
      }
      const close = make("button", "Close", dialog);
      close.type = "button";
      close.addEventListener("click", () => dialog.close());
    }
    dialog.showModal();
  };
  button.hidden = false;
  button.addEventListener("click", help);

  const shown = (row) => row.checkVisibility();
  const rows = () => [...document.querySelectorAll("[data-row]")].filter(shown);
  const go = (list, step) => {
    if (!list.length) return false;
    const here = list.findIndex((row) => row.classList.contains("at"));
    const next = here < 0 ? (step > 0 ? 0 : list.length - 1) : here + step;
    if (next < 0 || next >= list.length) return true;
    document.querySelector("[data-row].at")?.classList.remove("at");
    list[next].classList.add("at");
    const link = list[next].closest("a") || list[next].querySelector("a");
    if (link) link.focus({ preventScroll: true });
    list[next].scrollIntoView({ block: "nearest" });
    return true;
  };
  const BAD = ["fail", "dead", "killed", "blocked", "abort"];
  const failures = () => rows().filter((row) => BAD.includes(row.dataset.s));
  const up = () => document.querySelector(".crumbs a:last-child") || document.querySelector(".brand");
  const own = (key) => (key === "u" ? up() : document.querySelector(`[data-key="${CSS.escape(key)}"]`));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, dialog")) return;
    const key = event.key;
    // In a log / looks through the log.
    const target = key === "/" && document.querySelector("[data-mt=log-view]") ? null : own(key);
    let done = true;
    if (target) target.click();
    else if (key === "j" || key === "k") done = go(rows(), key === "j" ? 1 : -1);
    else if (key === "n" || key === "p") done = go(failures(), key === "n" ? 1 : -1);
    else if (key === "/" || key === "f") {
      const boxes = [...document.querySelectorAll("input[type=search]")].filter((box) => box.offsetParent);
      const box = boxes.at(key === "/" ? 0 : -1);
      if (box) { box.focus(); box.select(); } else done = false;
    } else done = false;
    if (done) event.preventDefault();
  });
})();
