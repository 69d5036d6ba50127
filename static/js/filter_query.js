// The filter's language, as docs/filter.md defines it: text into a test of one row; mtsite/query.py
// judges the same. Serves the filter bar (data-mt=filter-query) as window.mtFilter. A row has state
// (its verdict), change (words), text (all in small letters), the lists flags and tags, and those
// fields that are known of it, a text or a list of texts each; when is in seconds.
(() => {
  "use strict";
  const MARKS = {
    P: ["✓", "pass"], S: ["↷", "skip"], W: ["!", "warn"], V: ["~", "waived"], C: ["?", "check"], D: ["†", "dead"],
    F: ["✗", "fail"], K: ["⊗", "killed"], B: ["⊘", "blocked"], A: ["■", "abort"], R: ["▸", "running"],
    N: ["◌", "not run"], x: ["·", "gone"],
  };
  const GROUPS = {
    bad: ["fail", "dead", "killed", "blocked", "abort"],
    good: ["pass", "warn", "waived", "skip", "check"],
  };
  const STATES = Object.values(MARKS).map(([, word]) => word.replace(" ", "-"));
  const CHANGES = ["new", "still", "fixed", "known"];
  const FLAGS = ["item", "flaky", "slow", "archived", "differs", "gone", "test", "run", "line", "target", "host", "owner"];
  const FIELDS = ["test", "item", "run", "target", "area", "owner", "host", "state", "status"];
  const PREFIXES = new Map([["s", "verdict"], ["is", "flag"], ...["since", "before", ...FIELDS].map((name) => [name, name])]);
  const UNITS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };
  // * and % are any text, ? one character. In steps that never go back further than the last of them.
  const glob = ({ pattern: p, least }, text) => {
    if (least > text.length) return false;
    const t = Array.from(text);
    let i = 0, j = 0, star = -1, mark = 0;
    while (j < t.length) {
      if (p[i] === "*") { star = i; mark = j; i += 1; }
      else if (i < p.length && (p[i] === "?" || p[i] === t[j])) { i += 1; j += 1; }
      else if (star >= 0) { i = star + 1; mark += 1; j = mark; }
      else return false;
    }
    while (p[i] === "*") i += 1;
    return i === p.length;
  };
  // [kind, value]: one of a kind in "any" is enough, all others must hold.
  const term = (word) => {
    if (word.startsWith('"')) return ["text", word.replaceAll('"', "")];
    const colon = word.indexOf(":");
    if (colon > 0 && PREFIXES.has(word.slice(0, colon))) return [PREFIXES.get(word.slice(0, colon)), word.slice(colon + 1)];
    if (word.startsWith("@") && word.length > 1) return ["tag", word.slice(1)];
    if (word === "waived") return ["verdict", word];
    if (word === "flaky") return ["flag", word];
    return [CHANGES.includes(word) ? "change" : "text", word];
  };
  const any = ["verdict", "change", ...FIELDS];
  const moment = (value, now) => {
    const age = /^(\d{1,6})([smhdwy])$/.exec(value);
    if (age) return now - age[1] * UNITS[age[2]];
    const day = /^[12]\d{3}-\d\d-\d\d$/.test(value) ? new Date(`${value}T00:00:00Z`) : NaN;
    return day > -1e15 && day.toISOString().startsWith(value) ? day / 1000 : NaN;
  };
  const holds = {
    verdict: ({ value }, row) => (Object.hasOwn(GROUPS, value) ? GROUPS[value].includes(row.state) : row.state === value),
    change: ({ value }, row) => row.change.split(" ").includes(value),
    flag: ({ value }, row) => row.flags.includes(value),
    tag: (t, row) => row.tags.some((tag) => glob(t, tag)),
    text: ({ value }, row) => row.text.includes(value),
    since: ({ at }, row) => Boolean(row.when) && row.when >= at,
    before: ({ at }, row) => Boolean(row.when) && row.when < at,
  };
  for (const kind of FIELDS) holds[kind] = (t, row) => [row[kind] ?? []].flat().some((one) => glob(t, one));
  const parse = (query) => [...query.matchAll(/!?"[^"]*"?|[^ \t\r\n]+/g)].map((found) => {
    const word = found[0].toLowerCase();
    const not = word.length > 1 && word.startsWith("!");
    const [kind, value] = term(not ? word.slice(1) : word);
    return { not, kind, value, word, from: Array.from(query.slice(0, found.index)).length + 1 };
  });
  const wrong = ({ kind, value, at }, row) => {
    if (kind === "verdict" && !STATES.includes(value) && !Object.hasOwn(GROUPS, value)) return `no such state; there are ${[...Object.keys(GROUPS), ...STATES].join(" ")}`;
    if (kind === "flag" && !FLAGS.includes(value)) return `no such mark; there are ${FLAGS.join(" ")}`;
    if (Number.isNaN(at)) return "no time; write a day as 2026-11-22 or an age as 7d";
    if (!FIELDS.includes(kind) || kind in row) return "";
    return `not known here; there are ${FIELDS.filter((name) => name in row).map((name) => `${name}:`).join(" ") || "no such terms"}`;
  };
  const compile = (query, now = Date.now() / 1000) => {
    const once = new Map(parse(query).map((t) => [`${t.not} ${t.kind} ${t.value}`, t]));
    const terms = [...once.values()].map((t) => {
      const pattern = Array.from(t.value.replace(/[*%]+/g, "*"));
      const at = t.kind === "since" || t.kind === "before" ? moment(t.value, now) : 0;
      return { ...t, at, pattern, least: pattern.filter((c) => c !== "*").length };
    });
    const all = terms.filter((t) => t.not || !any.includes(t.kind));
    const choices = any.map((kind) => terms.filter((t) => !t.not && t.kind === kind)).filter((list) => list.length);
    const hit = (row) => all.every((t) => holds[t.kind](t, row) !== t.not)
      && choices.every((list) => list.some((t) => holds[t.kind](t, row)));
    // What is said of terms that no row like this one can fulfil.
    const said = (row = {}) => terms.map((t) => [t, wrong(t, row)]).filter(([, why]) => why)
      .map(([t, why]) => ` · position ${t.from}: ${t.word}: ${why}`).slice(0, 1).join("");
    return { hit, said };
  };
  // What the address asks for, and the address that asks for it: as a fragment where it must be.
  const MOST = 1000;
  const asked = () => (new URL(location.href).searchParams.get("q")
    ?? new URLSearchParams(location.hash.startsWith("#q=") ? location.hash.slice(1).replaceAll("+", "%2B") : "").get("q") ?? "").slice(0, MOST);
  const keep = (query) => {
    const address = new URL(location.href);
    if (query) address.searchParams.set("q", query); else address.searchParams.delete("q");
    try { history.replaceState(null, "", address); } catch { location.hash = query ? `q=${encodeURIComponent(query)}` : ""; }
  };
  window.mtFilter = { compile, parse, asked, keep, GROUPS, MARKS };
})();
