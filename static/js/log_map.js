// A map of the whole log at the right edge: bad lines, findings, what a search found, what is chosen
// and what is seen. A click goes there.
(() => {
  "use strict";
  const log = window.mtLog;
  const map = document.querySelector("[data-mt=log-map]");
  if (!log || !map || log.lines < 200) return;
  const HEIGHT = 500;
  const rect = (group, y, height) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of [["x", 0], ["y", y], ["width", 10], ["height", height]]) made.setAttribute(name, value);
    group.append(made);
  };
  const place = (line) => Math.round(((line - 1) * HEIGHT) / log.lines);
  const groups = Object.fromEntries(["bad", "findings", "hits", "chosen", "seen"].map((name) => {
    const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
    group.setAttribute("class", name);
    map.append(group);
    return [name, group];
  }));
  const draw = (name, places) => {
    groups[name].replaceChildren();
    for (const y of new Set(places)) rect(groups[name], y, 2);
  };
  const seen = () => {
    const rows = [...log.box.querySelectorAll("div[id]")].filter((row) => { const r = row.getBoundingClientRect(); return r.bottom > 0 && r.top < innerHeight; });
    groups.seen.replaceChildren();
    if (!rows.length) return;
    const [first, last] = [rows[0], rows.at(-1)].map((row) => place(Number(row.id.slice(1))));
    rect(groups.seen, first, Math.max(last - first, 3));
  };
  let due = 0;
  const later = () => { due ||= requestAnimationFrame(() => { due = 0; seen(); }); };
  log.changed = () => {
    const { table } = log;
    if (table?.atLeast && !groups.bad.childElementCount) draw("bad", table.members.flatMap((m, i) => (table.atLeast(i, 6) ? [place(m.first)] : [])));
    draw("findings", log.findings.map(place));
    draw("hits", log.hits ? log.hits().map(place) : []);
    groups.chosen.replaceChildren();
    if (log.chosen[0]) rect(groups.chosen, place(log.chosen[0]), Math.max(place(log.chosen[1]) - place(log.chosen[0]), 2));
    later();
  };
  map.addEventListener("click", (event) => {
    const { top, height } = map.getBoundingClientRect();
    const line = Math.ceil(((event.clientY - top) / height) * log.lines) || 1;
    log.go([line, line]);
  });
  addEventListener("scroll", later, { passive: true });
  map.removeAttribute("hidden");
  queueMicrotask(log.changed);
  // Where bad lines are, and how many a gap hides, only the index tells.
  const told = () => { if (!log.broken) log.dressAll(); log.changed(); };
  if ("levels" in log.box.dataset && log.gaps().length) addEventListener("load", () => Promise.all([log.ready(), log.followed]).then(told, () => {}));
})();
