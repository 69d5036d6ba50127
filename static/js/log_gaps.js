// How many errors a gap of a log hides (data-mt=log-gaps), as far as the index and the page tell.
(() => {
  "use strict";
  const log = window.mtLog;
  if (!log) return;
  // How many rows on both sides of a gap are lines of a member, and how many of them are bad.
  const around = (gap, first, last) => {
    let [rows, bad] = [0, 0];
    for (const way of ["previousElementSibling", "nextElementSibling"]) {
      for (let each = gap[way]; each; each = each[way]) {
        if (each.matches(".log-gap")) continue;
        const found = each.id ? [each] : [...each.querySelectorAll("div[id]")];
        const inside = found.filter((row) => Number(row.id.slice(1)) >= first && Number(row.id.slice(1)) <= last);
        if (!inside.length) break;
        rows += inside.length;
        bad += inside.filter((row) => row.matches(".lv-error, .lv-critical")).length;
      }
    }
    return [rows, bad];
  };
  // How many lines of the levels ERROR and worse a gap hides: known where what else is in the
  // members at its ends is on the page, else between two numbers.
  log.badIn = (gap, from, to) => {
    const { members, atLeast } = log.table || {};
    if (!atLeast) return "";
    let [least, most] = [0, 0];
    for (let i = log.memberOf(from); members[i]?.first <= to; i += 1) {
      const bad = atLeast(i, 6);
      const { first, lines } = members[i];
      most += bad;
      if (!bad || (first >= from && first + lines - 1 <= to)) { least += bad; continue; }
      const others = lines - (Math.min(first + lines - 1, to) - Math.max(first, from) + 1);
      const [rows, seen] = around(gap, first, first + lines - 1);
      most -= seen;
      least += rows < others ? 0 : bad - seen;
    }
    const number = least === most ? window.mtNumber(most) : `${window.mtNumber(least)} to ${window.mtNumber(most)}`;
    return ` · ${number} ${most === 1 ? "error" : "errors"}`;
  };
})();
