// The clock of a log (data-mt=log-times): the time that a gap spans, and, where asked for (d), the
// time from each line to the next that has one, beside its number.
(() => {
  "use strict";
  const log = window.mtLog;
  const bar = document.querySelector("[data-mt=log-view]");
  if (!log || !bar) return;
  const { box } = log;
  const STAMP = /(?:(\d{4}-\d\d-\d\d)[ T_])?(\d\d):(\d\d):(\d\d(?:[.,]\d{1,6})?)/;
  const clock = (row) => {
    if (!row?.matches?.("div[id]")) return null;
    const from = row.firstChild.textContent.length;
    const found = STAMP.exec(row.textContent.slice(from, from + 80));
    if (!found) return null;
    const [, day = "", hours, minutes, seconds] = found;
    const at = hours * 3600 + minutes * 60 + Number(seconds.replace(",", "."));
    return { day, at: at + (day ? Date.parse(day) / 1000 : 0), minute: `${hours}:${minutes}`, second: `${hours}:${minutes}:${seconds.slice(0, 2)}` };
  };
  const beside = (gap, way) => {
    let row = gap[way];
    for (let n = 0; row && n < 20 && !row.matches(".log-gap"); n += 1) {
      const found = clock(row);
      if (found) return found;
      row = row[way];
    }
    return null;
  };
  // From the last time above a gap to the first below it, as short as tells them apart.
  log.spanOf = (gap) => {
    const [above, below] = [beside(gap, "previousElementSibling"), beside(gap, "nextElementSibling")];
    if (!above || !below) return "";
    const form = above.minute === below.minute ? "second" : "minute";
    const day = (one) => (above.day === below.day ? "" : `${one.day} `);
    return ` · ${day(above)}${above[form]}–${day(below)}${below[form]}`;
  };
  const words = (seconds) => {
    const [sign, s] = [seconds < 0 ? "−" : "+", Math.abs(seconds)];
    return s < 60 ? `${sign}${s.toFixed(s < 10 ? 3 : 1)}` : `${sign}${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  };
  const mark = () => {
    let before = null;
    for (const row of box.querySelectorAll("div[id], .log-gap")) {
      const now = clock(row);
      if (now && before && Boolean(now.day) === Boolean(before.day)) row.dataset.since = words(now.at - before.at);
      before = row.matches(".log-gap") ? null : now || before;
    }
  };
  const watch = new MutationObserver(mark);
  if (![...box.querySelectorAll("div[id]")].slice(0, 50).some(clock)) return;
  const button = window.mtElement("button", "Times");
  button.type = "button";
  button.title = "Time since the line before, or not (d)";
  button.setAttribute("aria-pressed", "false");
  log.times = () => {
    const on = box.classList.toggle("times");
    button.setAttribute("aria-pressed", String(on));
    if (on) { mark(); watch.observe(box, { childList: true }); } else watch.disconnect();
  };
  button.addEventListener("click", log.times);
  bar.querySelector("button").after(button);
})();
