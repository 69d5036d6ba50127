// Rows of a log that a script adds (data-mt=log-rows): the element of a line, its level as
// os-loganalyze gives it, and what is cut from a very long one.
(() => {
  "use strict";
  const log = window.mtLog;
  if (!log) return;
  const { box } = log;
  const LONGEST = 10000;
  const LEVELS = ["", "lv-debug", "lv-info", "lv-audit", "lv-trace", "lv-warning", "lv-error", "lv-critical"];
  const DATE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d{3,6})?(?: \d+)? (DEBUG|INFO|AUDIT|TRACE|WARNING|ERROR|CRITICAL)/;
  const UNIT = /^\w+[ \t\f\v]+\d+[ \t\f\v]+\d\d:\d\d:\d\d(?:[.,]\d{3,6})? \S+ \S+\[\d+\]: (DEBUG|INFO|AUDIT|TRACE|WARNING|ERROR|CRITICAL)?/;
  const SYSLOG = /^\w+[ \t\f\v]+\d+[ \t\f\v]+\d\d:\d\d:\d\d(?:[.,]\d{3,6})? [\w-]+ ([^[\s]+):/;
  const make = (name, text, kind) => window.mtElement(name, text, null, kind);
  // Classes of lines that a finding marks, kept while their rows are away.
  log.marks = new Map();

  const rankOf = (text) => {
    const word = (DATE.exec(text) || (UNIT.test(text) ? UNIT.exec(text) : null))?.[1];
    if (word) return LEVELS.indexOf(`lv-${word.toLowerCase()}`);
    const service = !UNIT.test(text) && SYSLOG.exec(text);
    return service ? (service[1] === "tgtd" || service[1] === "proxy-server" ? 1 : 2) : 0;
  };
  log.rankOf = (text) => rankOf(text.slice(0, 400));
  // Rank of each line of a member; a line without a level has that of the line before.
  log.ranksOf = (i, lines) => {
    if (!("levels" in box.dataset)) return null;
    let { rank } = log.table.members[i];
    return lines.map((text) => (rank = log.rankOf(text) || rank));
  };

  const rest = async (n) => {
    let i = log.memberOf(n);
    const pieces = [(await log.member(i)).lines[n - log.table.members[i].first]];
    for (i += 1; log.table.members[i]?.goesOn && log.table.members[i].first === n + 1 && pieces.length < 5; i += 1) pieces.push((await log.member(i)).before);
    return pieces.join("");
  };
  const cutButton = (row, n, shown, more) => {
    const button = make("button", `… show more of this line${more ? ` (${window.mtNumber(more)} characters)` : ""}`, "log-cut");
    button.type = "button";
    button.addEventListener("click", async () => {
      try {
        await log.ready();
        const text = await rest(n);
        row.replaceChildren(row.firstChild);
        log.fill(row, text.slice(0, shown * 10));
        if (text.length > shown * 10) cutButton(row, n, shown * 10, text.length - shown * 10);
        else if (log.table.members[log.memberOf(n) + 5]?.goesOn) row.append(make("em", " … the raw log has the rest", "log-cut"));
      } catch (error) { log.failed?.(error); }
    });
    row.append(button);
  };
  const rowOf = (n, text, rank, goesOn) => {
    const row = make("div", "", [LEVELS[rank || 0], log.marks.get(n), n >= log.chosen[0] && n <= log.chosen[1] && "chosen"].filter(Boolean).join(" "));
    row.id = `L${n}`;
    const number = make("a", n);
    number.href = `#L${n}`;
    row.append(number);
    log.fill(row, text.length > LONGEST ? text.slice(0, LONGEST) : text);
    if (text.length > LONGEST || goesOn) cutButton(row, n, LONGEST, goesOn ? 0 : text.length - LONGEST);
    return row;
  };

  // Up to `count` lines from one on (step 1 or -1) that have the wanted level, not beyond `end`.
  log.take = async (from, step, count, end) => {
    const wanted = Number(box.dataset.level || 0);
    const rows = [];
    let n = from;
    for (let members = 0; rows.length < count && (end - n) * step >= 0;) {
      const i = log.memberOf(n);
      const { first, lines } = log.table.members[i];
      const border = step > 0 ? Math.min(first + lines - 1, end) : Math.max(first, end);
      if (wanted && log.table.atLeast && !log.table.atLeast(i, wanted)) { n = border + step; continue; }
      const found = await log.member(i);
      const ranks = log.ranksOf(i, found.lines);
      for (; (border - n) * step >= 0 && rows.length < count; n += step) {
        const at = n - first;
        if (!wanted || ranks?.[at] >= wanted) rows.push(rowOf(n, found.lines[at], ranks?.[at], at === lines - 1 && log.table.members[i + 1]?.goesOn));
      }
      if ((members += 1) % 16 === 0) await new Promise((ok) => { setTimeout(ok); });
    }
    return { rows: step > 0 ? rows : rows.reverse(), end: n - step };
  };

  for (const cut of box.querySelectorAll("em.log-cut")) {
    const row = cut.closest("div");
    log.ready().then(() => { cut.remove(); cutButton(row, Number(row.id.slice(1)), LONGEST, 0); }, () => {});
  }
})();
