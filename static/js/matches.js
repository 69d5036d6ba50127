// The tests of a large run that match the filter: they lie in shards, what went wrong first, and
// the first 100 hits are shown as rows like those of the table of failures.
(() => {
  "use strict";
  const part = document.querySelector("[data-mt=matches]");
  if (!part) return;
  const FLAGS = ["item", "flaky", "slow", "archived", "differs", "gone"];
  const CHANGES = ["", "new", "still", "fixed"];
  const MARKS = {
    P: ["✓", "pass"], S: ["↷", "skip"], W: ["!", "warn"], V: ["~", "waived"], C: ["?", "check"], D: ["†", "dead"],
    F: ["✗", "fail"], K: ["⊗", "killed"], B: ["⊘", "blocked"], A: ["■", "abort"], R: ["▸", "running"],
    N: ["◌", "not run"], x: ["·", "gone"],
  };
  const STEP = 100;
  const head = part.querySelector("h2");
  const body = part.querySelector("tbody");
  const more = part.querySelector(".more");
  const shards = part.dataset.shards.split(" ");
  let rows = null;
  let hits = [];
  let asked = null;

  const thin = "\u202f";
  const two = (n) => String(n).padStart(2, "0");
  const took = (s) => {
    if (s < 0 || s === undefined) return "";
    if (s >= 86400) return `${Math.floor(s / 86400)}${thin}d ${two(Math.floor((s % 86400) / 3600))}${thin}h`;
    if (s >= 3600) return `${Math.floor(s / 3600)}${thin}h ${two(Math.floor((s % 3600) / 60))}${thin}m`;
    return s >= 60 ? `${Math.floor(s / 60)}${thin}m ${two(s % 60)}${thin}s` : `${s}${thin}s`;
  };
  const read = ({ texts, rows: found }) => found.map((cells) => {
    const [name, item, letter, change, bits, host, tags, seconds, href, line, lineHref, strip] = cells;
    const plain = item ? `${name}/${item}` : name;
    const said = texts[line || 0];
    const known = MARKS[letter] ? letter : "F";
    return {
      name, item, said, seconds, lineHref, strip, letter: known,
      href: href || `${plain}/index.html`,
      state: MARKS[known][1].replace(" ", "-"),
      change: CHANGES[change],
      flags: FLAGS.filter((_, i) => (bits >> i) & 1),
      host: texts[host].toLowerCase(),
      tags: texts[tags] ? texts[tags].toLowerCase().split(",") : [],
      text: `${plain}\n${said}`.toLowerCase(),
    };
  });
  const make = (name, style, text, parent) => {
    const element = document.createElement(name);
    if (style) element.className = style;
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  };
  const track = (letters, cell) => {
    const strip = make("span", "strip", "", cell);
    strip.title = `last ${letters.length} runs, newest right`;
    for (const same of letters.match(/(.)\1*/g) || []) {
      make("i", `v-${same[0] === "." ? "x" : same[0]} n${same.length}`, "", strip);
    }
  };
  const show = (r) => {
    const [symbol, word] = MARKS[r.letter];
    const row = make("tr", `v-${r.letter}`, "", body);
    row.dataset.row = "";
    row.dataset.s = r.state;
    const state = make("td", "state", "", row);
    const mark = make("span", "mark", "", state);
    make("b", "", symbol, mark).setAttribute("aria-hidden", "true");
    mark.append(` ${word}`);
    const tag = r.flags.includes("flaky") && r.change !== "new" ? "flaky" : r.change;
    if (tag) make("span", `tag ${tag}`, tag, state);
    const name = make("th", "name", "", row);
    name.scope = "row";
    const link = make("a", "", "", name);
    link.href = r.href;
    make("bdi", "", r.name, link);
    if (r.item) make("bdi", "item", `/${r.item}`, link);
    const line = make("td", "line", "", row);
    const said = make(r.lineHref ? "a" : "span", "", r.said, line);
    said.title = r.said;
    if (r.lineHref) said.href = r.lineHref;
    track(r.strip || "", make("td", "past", "", row));
    const time = make("td", "num took", took(r.seconds), row);
    if (r.flags.includes("slow")) make("span", "slower", " ▲", time);
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
    if (!detail.query) { detail.answer(0, 0); return; }
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
    detail.answer(hits.length, rows.length);
  });
})();
