// The filter of a run's page. What is typed stands in the address as ?q= and comes back with it.
// Words must occur in the row; s:fail and s:bad look at the state, new and still at the change,
// a leading ! turns one around. Chips write their text into the box.
(() => {
  "use strict";
  const form = document.querySelector("[data-mt=filter-bar]");
  if (!form) return;
  const box = form.querySelector("input");
  const count = form.querySelector("output");
  const chips = [...form.querySelectorAll("[data-filter]")];
  const BAD = ["fail", "dead", "killed", "blocked", "abort"];
  const CHANGES = ["new", "still", "flaky"];
  const rows = [...document.querySelectorAll(".failures [data-row], .folded [data-row]")].map((row) => ({
    row,
    state: (row.dataset.s || row.closest("[data-s]").dataset.s).replace(" ", "-"),
    change: row.dataset.c || "",
    text: row.textContent.toLowerCase(),
  }));
  const folds = [...document.querySelectorAll(".folded details, .folded .group")];
  const opened = folds.map((fold) => fold.open);

  const test = (term) => {
    if (term.startsWith("s:")) {
      const state = term.slice(2);
      return (r) => (state === "bad" ? BAD.includes(r.state) : r.state === state);
    }
    if (CHANGES.includes(term)) return (r) => r.change === term;
    return (r) => r.text.includes(term);
  };
  const read = (query) => (query.toLowerCase().match(/!?"[^"]*"|\S+/g) || []).map((word) => {
    const not = word.startsWith("!") && word.length > 1;
    const hit = test((not ? word.slice(1) : word).replaceAll('"', ""));
    return not ? (r) => !hit(r) : hit;
  });

  const apply = () => {
    const query = box.value.trim();
    const terms = read(query);
    let hits = 0;
    for (const r of rows) {
      const hit = terms.every((term) => term(r));
      r.row.hidden = !hit;
      hits += hit;
    }
    folds.forEach((fold, i) => {
      const any = !query || fold.querySelector("[data-row]:not([hidden])");
      fold.hidden = !any;
      if ("open" in fold) fold.open = query ? Boolean(any) : opened[i];
    });
    count.textContent = query ? `${hits} of ${rows.length} rows` : "";
    for (const chip of chips) {
      if (chip.dataset.filter === query) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
  };
  const keep = () => {
    const address = new URL(location.href);
    if (box.value.trim()) address.searchParams.set("q", box.value.trim());
    else address.searchParams.delete("q");
    try { history.replaceState(null, "", address); } catch { /* some browsers refuse on file: */ }
  };
  const set = (query) => { box.value = query; apply(); keep(); };

  form.querySelector(".filter-box").hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("input", () => { apply(); keep(); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { set(""); box.blur(); }
  });
  for (const chip of chips) {
    chip.addEventListener("click", (event) => {
      if (chip.dataset.filter === "fixed") return;
      event.preventDefault();
      const text = chip.dataset.filter;
      const now = box.value.trim();
      if (event.altKey && text) set(`${now} !${text}`.trim());
      else if ((event.ctrlKey || event.metaKey) && text) set(`${now} ${text}`.trim());
      else set(text);
    });
  }
  const asked = new URL(location.href).searchParams.get("q");
  if (asked) box.value = asked;
  apply();
})();
