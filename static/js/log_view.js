// The tools of a log's page: search through the whole file with progress, levels, wrap; and what is
// said when the rest of a log can't be read here. ?q=, ?level= and ?view=full are in the address.
(() => {
  "use strict";
  const log = window.mtLog;
  const bar = document.querySelector("[data-mt=log-view]");
  if (!log || !bar) return;
  const [box, output, level] = ["input", "output", "select"].map((name) => bar.querySelector(name));
  const BATCH = 16;
  const MOST = 5000;
  let running = null;
  let hits = [];
  let at = -1;
  log.hits = () => hits;
  log.say = (text) => { output.textContent = text; };
  const count = (n, one, many) => `${window.mtNumber(n)} ${n === 1 ? one : many}`;

  log.failed = (error) => {
    if (error.name === "AbortError") return;
    const why = log.isTrouble(error) ? error.message : "the log can't be fetched";
    if (!why) return;
    if (!log.broken) log.gaps().forEach((gap) => gap.replaceChildren(...(log.still?.get(gap) || gap.childNodes)));
    log.broken = true;
    log.say(`${why}: see the pages of its parts, or the raw log`);
  };

  // Each member as [its number, text]; the next batch is on its way meanwhile, packed.
  const texts = async function* (signal) {
    await log.ready();
    const { length } = log.table.members;
    const fetchFrom = (i) => (i < length ? log.texts(i, Math.min(i + BATCH, length) - 1, signal) : null);
    let next = fetchFrom(0);
    for (let i = 0; i < length; i += BATCH) {
      const unpack = await next;
      next = fetchFrom(i + BATCH);
      next?.catch(() => {});
      for (let k = 0; k < unpack.length && !signal?.aborted; k += 1) yield [i + k, await unpack[k]()];
    }
  };
  const shownLines = () => [...log.box.querySelectorAll("div[id]")].map((row) => [Number(row.id.slice(1)), row.textContent.slice(row.firstChild.textContent.length)]);
  const ends = (text, from, to) => { let n = 0; for (let i = text.indexOf("\n", from); i >= 0 && i < to; i = text.indexOf("\n", i + 1)) n += 1; return n; };

  // Calls found(line) for each line of a text that has the words; `first` is the number of its first.
  const scan = (text, pattern, first, found) => {
    const odd = text.includes("\r") || text.includes("\x1b");
    const plain = odd ? log.split(log.plain(text)).join("\n") : text;
    let line = first;
    let from = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(plain); match; match = pattern.exec(plain)) {
      line += ends(plain, from, match.index);
      from = match.index;
      found(line);
      const end = plain.indexOf("\n", match.index + match[0].length);
      if (end < 0) break;
      pattern.lastIndex = end;
    }
  };
  const quoted = (words) => new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), words === words.toLowerCase() ? "gi" : "g");
  const search = async (words) => {
    stop();
    hits = [];
    at = -1;
    log.address((url) => { if (words) url.searchParams.set("q", words); else url.searchParams.delete("q"); });
    log.changed?.();
    if (!words) { log.say(""); return; }
    const mine = running = new AbortController();
    const pattern = quoted(words);
    let total = 0;
    let lost = 0;
    let newest = 0;
    // What goes on in the next member is the same line.
    const found = (n) => { if (n === newest) return; newest = n; total += 1; if (hits.length < MOST) hits.push(n); };
    const told = (done) => {
      const cut = lost ? `, ${count(lost, "part", "parts")} could not be read` : "";
      log.say(`${done < 1 ? `${Math.floor(done * 100)} % · ` : ""}${count(total, "line", "lines")} found${cut}${done < 1 ? " · Esc ends it" : ""}`);
      log.changed?.();
    };
    try {
      if (!log.gaps().length) for (const [n, text] of shownLines()) { pattern.lastIndex = 0; if (pattern.test(text)) found(n); }
      else for await (const [i, text] of texts(mine.signal)) {
        if (mine.signal.aborted) return;
        const { first, goesOn } = log.table.members[i];
        if (text === null) lost += 1; else scan(text, pattern, first - goesOn, found);
        if (i % BATCH && !(at < 0 && hits.length)) continue;
        told(i / log.table.members.length);
        if (at < 0 && hits.length) next(1);
        // Events have their turn, Esc among them.
        await new Promise((ok) => { setTimeout(ok); });
      }
      told(1);
      if (at < 0 && hits.length) next(1);
    } catch (error) { log.failed(error); } finally { if (running === mine) running = null; }
  };
  const stop = () => { if (running) { running.abort(); running = null; log.say(`ended · ${count(hits.length, "line", "lines")} found`); } };
  const next = (way) => {
    if (!hits.length) return;
    at = (at + way + hits.length) % hits.length;
    log.go([hits[at], hits[at]]);
  };
  log.stop = stop;
  // The first lines, one after the other, that a pattern matches.
  log.firstOf = async (pattern) => {
    const lines = [];
    const look = (n, text) => { if (pattern.test(text)) lines.push(n); return lines.length && lines.at(-1) !== n; };
    try {
      if (!log.gaps().length) { for (const [n, text] of shownLines()) if (look(n, text)) break; return lines; }
      for await (const [i, member] of texts()) {
        const { first, goesOn } = log.table.members[i];
        let n = first - goesOn;
        for (const text of log.split(log.plain(member || ""))) { if (look(n, text)) return lines; n += 1; }
        log.say(`looking for the time: ${Math.floor((100 * i) / log.table.members.length)} %`);
      }
    } catch (error) { log.failed(error); }
    log.say("");
    return lines;
  };

  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { stop(); box.blur(); }
    if (event.key !== "Enter") return;
    event.preventDefault();
    const line = /^:(\d+)$/.exec(box.value);
    if (line) log.go([Number(line[1]), Number(line[1])]);
    else if (box.value === box.dataset.done) next(event.shiftKey ? -1 : 1);
    else { box.dataset.done = box.value; search(box.value); }
  });
  log.ask = (text) => { box.value = text; box.focus(); };
  log.wrap = () => log.box.classList.toggle("nowrap");
  level?.addEventListener("change", () => filter(level.value));
  const filter = (rank) => {
    if (rank > 0) log.box.dataset.level = rank; else delete log.box.dataset.level;
    log.address((url) => { if (rank > 0) url.searchParams.set("level", rank); else url.searchParams.delete("level"); });
    if (rank > 0 && !log.broken) log.watchAll();
  };
  bar.querySelector("button")?.addEventListener("click", log.wrap);
  bar.hidden = false;
  const asked = new URLSearchParams(location.search);
  queueMicrotask(() => {
    log.still = new Map(log.gaps().map((gap) => [gap, [...gap.childNodes]]));
    if (location.protocol === "file:" && log.gaps().length) { log.broken = true; } else if (!log.followed) log.dressAll();
    else log.followed.then(() => { if (!log.broken) log.dressAll(); });
    if (asked.get("view") === "full" && !log.broken) log.watchAll();
    if (level && Number(asked.get("level")) > 0) { level.value = asked.get("level"); filter(level.value); }
    if (asked.get("q")) { box.value = box.dataset.done = asked.get("q"); search(box.value); }
  });
})();
