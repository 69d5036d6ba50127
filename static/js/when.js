// Times relative to now; the full time in UTC and here stays in the title.
(() => {
  "use strict";
  const UNITS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [86400 * 60, 86400, "days"]];
  const AHEAD = 86400;
  const now = Date.now() / 1000;
  const ago = (seconds) => {
    const past = Math.abs(seconds);
    for (const [limit, size, name] of UNITS) {
      if (past < limit) {
        const n = Math.floor(past / size);
        const words = `${n} ${name === "days" && n === 1 ? "day" : name}`;
        return seconds < 0 ? `in ${words}` : `${words} ago`;
      }
    }
    return "";
  };
  for (const time of document.querySelectorAll("time[data-mt=when]")) {
    const then = Date.parse(time.dateTime) / 1000;
    const full = time.textContent;
    const words = Number.isFinite(then) ? ago(now - then) : "";
    if (!Number.isFinite(then)) continue;
    time.title = `${full} · ${new Date(then * 1000).toLocaleString()} here`;
    if (words) time.textContent = words;
    const late = Number(time.dataset.late);
    if (late && now - then > late) time.classList.add("late");
    if (then - now > AHEAD) {
      time.classList.add("ahead");
      time.title += " · in the future: a clock is wrong, there or here";
    }
  }
})();
