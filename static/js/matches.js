// The tests of a large run that match the filter: they lie in shards, what went wrong first, and
// the first 100 hits are shown as rows like those of the table of failures.
(() => {
  "use strict";
  const part = document.querySelector("[data-mt=matches]");
  if (!part) return;
  const FLAGS = ["item", "flaky", "slow", "archived", "differs", "gone"];
  const CHANGES = ["", "new", "still", "fixed", "known"];
  const { MARKS } = window.mtFilter;
  const STEP = 100;
  const head = part.querySelector("h2");
  const body = part.querySelector("tbody");
  const more = part.querySelector(".more");
  const shards = part.dataset.shards.split(" ");
  let rows = null;
  let hits = [];
  let asked = null;

  const read = ({ texts, rows: found }) => found.map((cells) => {
    const [name, item, letter, change, bits, host, tags, seconds, href, line, lineHref, strip] = cells;
    const plain = item ? `${name}/${item}` : name;
    const said = texts[line || 0];
    const known = MARKS[letter] ? letter : "F";
    return {
      name, part: item, said, seconds, lineHref, strip, letter: known,
      href: href || `${plain}/index.html`,
      state: MARKS[known][1].replace(" ", "-"),
      change: CHANGES[change],
      flags: FLAGS.filter((_, i) => (bits >> i) & 1),
      host: texts[host].toLowerCase(),
      test: name.toLowerCase(),
      item: (item || "").toLowerCase(),
      tags: texts[tags] ? texts[tags].toLowerCase().split(",") : [],
      text: `${plain}\n${said}`.toLowerCase(),
    };
  });
  const make = window.mtElement;
  const track = (letters, cell) => {
    const strip = make("span", "", cell, "strip");
    strip.title = `last ${letters.length} runs, newest right`;
    for (const same of letters.match(/(.)\1*/g) || []) {
      make("i", "", strip, `v-${same[0] === "." ? "x" : same[0]} n${same.length}`);
    }
  };
  const show = (r) => {
    const [symbol, word] = MARKS[r.letter];
    const row = make("tr", "", body, `v-${r.letter}`);
    row.dataset.row = "";
    row.dataset.s = r.state;
    const state = make("td", "", row, "state");
    const mark = make("span", "", state, "mark");
    make("b", symbol, mark).setAttribute("aria-hidden", "true");
    mark.append(` ${word}`);
    const tag = r.flags.includes("flaky") && !["new", "known"].includes(r.change) ? "flaky" : r.change;
    if (tag) make("span", tag, state, `tag ${tag}`);
    const name = make("th", "", row, "name");
    name.scope = "row";
    const link = make("a", "", name);
    link.href = r.href;
    make("bdi", r.name, link);
    if (r.part) make("bdi", `/${r.part}`, link, "item");
    const line = make("td", "", row, "line");
    const said = make(r.lineHref ? "a" : "span", r.said, line);
    said.title = r.said;
    if (r.lineHref) said.href = r.lineHref;
    track(r.strip || "", make("td", "", row, "past"));
    const time = make("td", r.seconds < 0 || r.seconds === undefined ? "" : window.mtTook(r.seconds), row, "num took");
    if (r.flags.includes("slow")) make("span", " ▲", time, "slower");
  };
  const next = () => {
    const from = body.rows.length;
    for (const r of hits.slice(from, from + STEP)) show(r);
    const rest = hits.length - body.rows.length;
    more.parentElement.hidden = !rest;
    more.textContent = `Show ${Math.min(rest, STEP)} of ${rest} more`;
  };
  const all = async () => {
    const key = (src) => src.split("/").pop().split(".")[0];
    const found = await Promise.all(shards.map((src) => window.mtLoad(src, key(src))));
    return found.flatMap(read);
  };
  more.addEventListener("click", next);
  document.addEventListener("mt-filter", async ({ detail }) => {
    asked = detail;
    part.hidden = !detail.query;
    for (const other of document.querySelectorAll(".listed")) other.hidden = Boolean(detail.query);
    if (!detail.query) { detail.answer(0, []); return; }
    if (!rows) {
      try { rows = await all(); } catch {
        head.textContent = "The lists beside this page could not be loaded";
        return;
      }
      if (asked !== detail) return;
    }
    head.textContent = "Matches";
    hits = rows.filter(detail.filter.hit);
    body.replaceChildren();
    next();
    detail.answer(hits.length, rows);
  });
})();
