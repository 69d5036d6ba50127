// Lines of a log: #L120 and #L120-180. A click on a number chooses it, Shift-click up to it.
// n and p go through the findings and say where they are; Esc lets the lines go.
(() => {
  "use strict";
  const log = document.querySelector("[data-mt=log-lines]");
  if (!log) return;
  const line = (n) => document.getElementById(`L${n}`);
  const parse = (hash) => {
    const found = /^#L(\d+)(?:-L?(\d+))?$/.exec(hash);
    if (!found) return null;
    const ends = [Number(found[1]), Number(found[2] || found[1])];
    return [Math.min(...ends), Math.max(...ends)];
  };
  let chosen = [];
  let anchor = 0;
  const clear = () => { for (const row of chosen) row.classList.remove("chosen"); chosen = []; };
  const choose = (range, scroll) => {
    clear();
    if (!range) return;
    const [first, last] = range;
    anchor = first;
    const rows = last - first < 5000 ? Array.from({ length: last - first + 1 }, (_, i) => line(first + i)) : [line(first), line(last)];
    chosen = rows.filter(Boolean);
    for (const row of chosen) {
      row.classList.add("chosen");
      const fold = row.closest("details");
      if (fold) fold.open = true;
    }
    if (scroll && chosen.length) chosen[0].scrollIntoView({ block: "start" });
  };
  const keep = (hash) => {
    const address = location.href.split("#")[0] + hash;
    try { history.replaceState(null, "", address); } catch { location.hash = hash; }
  };
  log.addEventListener("click", (event) => {
    const number = event.target.closest("a");
    const range = number && parse(number.getAttribute("href") || "");
    if (!range || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const ends = event.shiftKey && anchor ? [Math.min(anchor, range[0]), Math.max(anchor, range[0])] : range;
    const from = anchor;
    choose(ends, false);
    if (event.shiftKey && from) anchor = from;
    keep(ends[0] === ends[1] ? `#L${ends[0]}` : `#L${ends[0]}-${ends[1]}`);
  });
  addEventListener("hashchange", () => choose(parse(location.hash), true));

  const findings = [...document.querySelectorAll("[data-finding] > a")].map((a) => parse(a.getAttribute("href"))[0]);
  findings.sort((a, b) => a - b);
  const step = (forward) => {
    if (!findings.length) return;
    const next = forward ? findings.find((n) => n > anchor) : findings.findLast((n) => n < (anchor || Infinity));
    const n = next === undefined ? (forward ? findings[0] : findings.at(-1)) : next;
    choose([n, n], true);
    keep(`#L${n}`);
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, dialog")) return;
    if (event.key === "n" || event.key === "p") { step(event.key === "n"); event.preventDefault(); }
    if (event.key === "Escape") { clear(); anchor = 0; keep("#"); }
  });
  choose(parse(location.hash), /-/.test(location.hash));
})();
