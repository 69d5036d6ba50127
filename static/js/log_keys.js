// Addresses and keys of a log's page (data-mt=log-keys): #L120, #L120-180 and the time stamps of the
// OpenStack log server, #_2013-09-27_18_22_11_249. A click on a number chooses it, Shift-click up to
// it; n and p go through findings and lines of level ERROR, w wraps, d shows times,
// g goes to a line, e opens the gap below, Esc lets go.
(() => {
  "use strict";
  const log = window.mtLog;
  if (!log) return;
  let anchor = 0;
  const parse = (hash) => {
    const found = /^#L(\d+)(?:-L?(\d+))?$/.exec(hash);
    if (!found) return null;
    const ends = [Number(found[1]), Number(found[2] || found[1])];
    return [Math.min(...ends), Math.max(...ends)];
  };
  log.address = (change) => {
    const url = new URL(location.href);
    change(url);
    try { history.replaceState(null, "", url); } catch { location.hash = url.hash; }
  };
  const keep = ([first, last]) => log.address((url) => { url.hash = first === last ? `L${first}` : `L${first}-${last}`; });
  // Bring a range into view with lines above it, wherever in the log it lies.
  const go = async (range) => {
    const [first, last] = range.map((n) => Math.min(Math.max(n, 1), log.lines));
    anchor = first;
    log.choose([first, last]);
    const row = await log.reveal(first);
    if (anchor !== first) return;
    log.choose([first, last]);
    row?.scrollIntoView({ block: "start", behavior: "instant" });
  };
  log.go = (range) => { keep(range); return go(range); };

  const stamped = async (hash) => {
    const pattern = hash.slice(2).split("_").map((part) => part.replace(/[^\w-]/g, "")).join("[ T:.,_]");
    const own = [...log.box.querySelectorAll("div[id]")].filter((row) => new RegExp(`^\\d+\\D{0,3}?${pattern}(?!\\d)`).test(row.textContent));
    const found = own.length && !log.gaps().length ? own.map((row) => Number(row.id.slice(1))) : (await log.firstOf?.(new RegExp(`^.?${pattern}(?!\\d)`))) || [];
    if (found.length) await go([found[0], found.at(-1)]);
    else log.say?.("no line has this time");
  };
  const follow = () => {
    const range = parse(location.hash);
    if (range) return go(range);
    return /^#_\d{4}-/.test(location.hash) ? stamped(location.hash) : null;
  };

  log.box.addEventListener("click", (event) => {
    const number = event.target.closest("a");
    const range = number && parse(number.getAttribute("href") || "");
    if (!range || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const ends = event.shiftKey && anchor ? [Math.min(anchor, range[0]), Math.max(anchor, range[0])] : range;
    if (!event.shiftKey || !anchor) anchor = range[0];
    log.choose(ends);
    keep(ends);
  });
  addEventListener("hashchange", follow);

  log.findings = [...document.querySelectorAll("[data-finding] > a")].map((a) => parse(a.getAttribute("href"))[0]).sort((a, b) => a - b);
  const levels = "levels" in log.box.dataset;
  // The first line from one on, not beyond `end`, that says itself that it is an error.
  const badFrom = async (from, way, end) => {
    try {
      await log.ready();
      const { members, atLeast } = log.table;
      for (let i = log.memberOf(from); members[i] && (end - members[i].first) * way >= (way > 0 ? 0 : -members[i].lines); i += way) {
        if (atLeast && !atLeast(i, 6)) continue;
        const { first } = members[i];
        const lines = (await log.member(i).catch((error) => { if (error.damaged) return null; throw error; }))?.lines || [];
        const last = first + lines.length - 1;
        for (let n = way > 0 ? Math.max(from, first) : Math.min(from, last); n >= first && n <= last; n += way) {
          if (log.rankOf(lines[n - first]) >= 6) return n;
        }
      }
    } catch (error) { log.failed?.(error); }
    return undefined;
  };
  const badShown = (from, way, end) => {
    const rows = [...log.box.querySelectorAll(".lv-error, .lv-critical")];
    const own = rows.filter((row) => log.rankOf(row.textContent.slice(row.firstChild.textContent.length)) >= 6).map((row) => Number(row.id.slice(1)));
    return way > 0 ? own.find((n) => n >= from && n <= end) : own.findLast((n) => n <= from && n >= end);
  };
  const badLine = async (from, way) => {
    const listed = way > 0 ? log.findings.find((n) => n >= from) : log.findings.findLast((n) => n <= from);
    const find = log.gaps().length && !log.broken ? badFrom : badShown;
    const bad = levels ? await find(from, way, listed ?? (way > 0 ? log.lines : 1)) : listed;
    return way > 0 ? Math.min(listed ?? Infinity, bad ?? Infinity) : Math.max(listed ?? 0, bad ?? 0);
  };
  const isLine = (n) => n > 0 && n <= log.lines;
  const step = async (way) => {
    const [first, last] = way > 0 ? [1, log.lines] : [log.lines, 1];
    let next = anchor === last ? 0 : await badLine(anchor ? anchor + way : first, way);
    if (!isLine(next)) {
      next = await badLine(first, way);
      if (!isLine(next)) { log.say?.("no bad line"); return; }
      const least = !levels && log.findings.length >= 20 ? ": those beyond the first are not listed, search finds them" : "";
      log.say?.(`from the ${way > 0 ? "first" : "last"} bad line again${least}`);
    }
    await log.go([next, next]);
  };
  // One step after the other, however fast the keys.
  let turn = Promise.resolve();
  const stepOn = (way) => { turn = turn.then(() => step(way)); };
  const below = () => log.gaps().find((gap) => gap.getBoundingClientRect().bottom > 140);
  const KEYS = {
    n: () => stepOn(1), p: () => stepOn(-1), w: () => log.wrap?.(), d: () => log.times?.(), g: () => log.ask?.(":"),
    e: () => { const gap = below(); if (gap) log.openGap(gap, 1, 20); },
    Escape: () => { log.stop?.(); log.choose(null); anchor = 0; log.address((url) => { url.hash = ""; }); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    if (!Object.hasOwn(KEYS, event.key)) return;
    KEYS[event.key]();
    event.preventDefault();
  });
  // What the address asks for comes first; what is there without it may wait.
  queueMicrotask(() => { log.followed = follow(); });
})();
