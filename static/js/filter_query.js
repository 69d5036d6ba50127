// The filter's language, as docs/filter.md defines it: text into a test of one row. Serves the
// filter bar (data-mt=filter-query) as window.mtFilter. A row has state, change (words), host, text
// (all in small letters), and the lists flags and tags.
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
  const STATES = [...GROUPS.bad, ...GROUPS.good, "running", "not-run", "gone"];
  const CHANGES = ["new", "still", "fixed", "known"];
  const FLAGS = ["item", "flaky", "slow", "archived", "differs", "gone"];
  // * is any text, ? one character. In steps that never go back further than the last *.
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
    if (word.startsWith("s:")) return ["state", word.slice(2)];
    if (word.startsWith("host:")) return ["host", word.slice(5)];
    if (word.startsWith("is:")) return ["flag", word.slice(3)];
    if (word.startsWith("@") && word.length > 1) return ["tag", word.slice(1)];
    if (word === "waived") return ["state", word];
    if (word === "flaky") return ["flag", word];
    return [CHANGES.includes(word) ? "change" : "text", word];
  };
  const any = new Set(["state", "change", "host"]);
  const holds = {
    state: ({ value }, row) => (Object.hasOwn(GROUPS, value) ? GROUPS[value].includes(row.state) : row.state === value),
    change: ({ value }, row) => row.change.split(" ").includes(value),
    host: (t, row) => glob(t, row.host),
    flag: ({ value }, row) => row.flags.includes(value),
    tag: (t, row) => row.tags.some((tag) => glob(t, tag)),
    text: ({ value }, row) => row.text.includes(value),
  };
  const parse = (query) => (query.toLowerCase().match(/!?"[^"]*"?|[^ \t\r\n]+/g) || [])
    .map((word) => {
      const not = word.length > 1 && word.startsWith("!");
      const [kind, value] = term(not ? word.slice(1) : word);
      return { not, kind, value };
    });
  const unknown = ({ kind, value }) =>
    (kind === "state" && !STATES.includes(value) && !Object.hasOwn(GROUPS, value)) || (kind === "flag" && !FLAGS.includes(value));
  const compile = (query) => {
    const once = new Map(parse(query).map((t) => [`${t.not} ${t.kind} ${t.value}`, t]));
    const terms = [...once.values()].map((t) => {
      const pattern = Array.from(t.value.replace(/\*+/g, "*"));
      return { ...t, pattern, least: pattern.filter((c) => c !== "*").length };
    });
    const all = terms.filter((t) => t.not || !any.has(t.kind));
    const choices = [...any].map((kind) => terms.filter((t) => !t.not && t.kind === kind)).filter((list) => list.length);
    const hit = (row) => all.every((t) => holds[t.kind](t, row) !== t.not)
      && choices.every((list) => list.some((t) => holds[t.kind](t, row)));
    return { hit, unknown: terms.filter(unknown).map((t) => t.value) };
  };
  window.mtFilter = { compile, parse, GROUPS, MARKS };
})();
