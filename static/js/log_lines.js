// Lines of a log (data-mt=log-lines): those on its page, and gaps between them, which open where a
// script can read the log. What lies far from what is seen is closed again, so that a gigabyte fits.
(() => {
  "use strict";
  const log = window.mtLog;
  if (!log) return;
  const { box } = log;
  const MOST_ROWS = 4000;
  const line = (n) => document.getElementById(`L${n}`);
  const make = (name, text, kind) => window.mtElement(name, text, null, kind);
  log.chosen = [0, 0];

  const gapOf = (from, to) => {
    const gap = make("p", "", "log-gap");
    Object.assign(gap.dataset, { from, to });
    return gap;
  };
  const dress = (gap) => {
    const [from, to] = [Number(gap.dataset.from), Number(gap.dataset.to)];
    const hidden = to - from + 1;
    gap.replaceChildren(`⋯ ${window.mtNumber(hidden)} ${hidden === 1 ? "line" : "lines"}${log.badIn?.(gap, from, to) || ""}${log.spanOf?.(gap) || ""} ⋯ `);
    const tool = (label, what, act) => {
      const button = make("button", label);
      button.type = "button";
      button.title = what;
      button.addEventListener("click", act);
      gap.append(button, " ");
    };
    tool("↓ 20", "20 more lines after those above", () => open(gap, 1, 20));
    if (hidden > 20) tool("↑ 20", "20 more lines before those below", () => open(gap, -1, 20));
    tool(hidden > 1000 ? "read on" : "all", "as many lines as you scroll to", () => { gap.dataset.auto = ""; open(gap, 1, Math.min(hidden, 1000)); });
  };
  // Thousands of stops for Tab would keep a reader from what follows: n, p and g lead to lines.
  const pass = (rows) => { for (const row of rows) row.querySelector("a")?.setAttribute("tabindex", "-1"); };
  pass(box.querySelectorAll("div[id]"));
  const hold = (element, act) => {
    const before = element?.isConnected ? element.getBoundingClientRect().top : null;
    act();
    if (before !== null && element.isConnected) scrollBy({ top: element.getBoundingClientRect().top - before, behavior: "instant" });
  };
  // What stays where it is: the row above where reading goes down, the row below where it goes up.
  const put = (gap, found, [from, to], still) => {
    const [first, last] = [Number(gap.dataset.from), Number(gap.dataset.to)];
    const auto = "auto" in gap.dataset;
    pass(found);
    const next = [from > first && gapOf(first, from - 1), ...found, to < last && gapOf(to + 1, last)].filter(Boolean);
    for (const each of next) if (auto && each.dataset.from) { each.dataset.auto = ""; watch.observe(each); }
    hold(still, () => {
      watch.unobserve(gap);
      gap.replaceWith(...next);
      for (const each of next) if (each.dataset.from) dress(each);
    });
    trim();
    log.changed?.();
  };
  const open = async (gap, step, count) => {
    if ("busy" in gap.dataset) return;
    gap.dataset.busy = "";
    const [from, to] = [Number(gap.dataset.from), Number(gap.dataset.to)];
    try {
      await log.ready();
      const { rows, end } = await log.take(step > 0 ? from : to, step, count, step > 0 ? to : from);
      if (gap.isConnected) {
        const still = step > 0 ? gap.previousElementSibling : gap.nextElementSibling;
        put(gap, rows, step > 0 ? [from, end] : [end, to], still);
      }
    } catch (error) { log.failed?.(error); } finally { delete gap.dataset.busy; }
  };
  const watch = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting, boundingClientRect } of seen) if (isIntersecting) open(target, boundingClientRect.top > innerHeight / 3 ? 1 : -1, 300);
  }, { rootMargin: "600px" });

  const numbersIn = (element) => (element.dataset.from ? [Number(element.dataset.from), Number(element.dataset.to)] : element.matches("div") ? [Number(element.id.slice(1)), Number(element.id.slice(1))] : [...element.querySelectorAll("div")].map((row) => Number(row.id.slice(1))));
  // Too many rows: those farthest from what is seen become a gap again.
  const trim = () => {
    if (!log.table || box.querySelectorAll("div").length <= MOST_ROWS) return;
    const all = [...box.children];
    const middle = Math.max(all.findIndex((each) => each.getBoundingClientRect().bottom > innerHeight / 2), 0);
    const far = middle > all.length / 2 ? all.slice(0, middle - MOST_ROWS / 4) : all.slice(middle + MOST_ROWS / 4);
    const ends = [far[0], far.at(-1)].map(numbersIn);
    const gap = gapOf(ends[0][0], ends[1].at(-1));
    gap.dataset.auto = "";
    for (const row of far) { const hit = row.className.match(/hit-\S+/g); if (hit && row.id) log.marks.set(Number(row.id.slice(1)), hit.join(" ")); }
    hold(all[middle], () => { far[0].before(gap); for (const each of far) each.remove(); dress(gap); });
    watch.observe(gap);
  };

  // Make sure that a line is on the page; resolves to its row, or nothing where it can't be had.
  log.reveal = async (n) => {
    if (line(n)) return line(n);
    const gap = [...box.querySelectorAll(".log-gap")].find((each) => Number(each.dataset.from) <= n && n <= Number(each.dataset.to));
    if (!gap) return null;
    try {
      await log.ready();
      const from = Math.max(Number(gap.dataset.from), n - 30);
      const level = box.dataset.level;
      delete box.dataset.level;
      const { rows, end } = await log.take(from, 1, n - from + 61, Number(gap.dataset.to));
      if (level) box.dataset.level = level;
      // Nothing is held in its place: whoever asked for the line scrolls to it.
      if (gap.isConnected && !line(n)) put(gap, rows, [from, end], null);
    } catch (error) { log.failed?.(error); }
    return line(n);
  };
  log.gaps = () => [...box.querySelectorAll(".log-gap")];
  log.openGap = open;
  log.dressAll = () => hold(line(log.chosen[0]), () => log.gaps().forEach(dress));
  log.watchAll = () => log.gaps().forEach((gap) => { gap.dataset.auto = ""; watch.observe(gap); });
  log.choose = (range) => {
    for (const row of box.querySelectorAll(".chosen")) row.classList.remove("chosen");
    log.chosen = range || [0, 0];
    const [first, last] = log.chosen;
    for (const row of first ? box.querySelectorAll("div[id]") : []) {
      const n = Number(row.id.slice(1));
      if (n < first || n > last) continue;
      row.classList.add("chosen");
      const fold = row.closest("details");
      if (fold) fold.open = true;
    }
    log.changed?.();
  };
})();
