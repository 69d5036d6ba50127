// What the search looks through: rows out of shards, the newest shard first, as window.mtSearchRows
// (data-mt=search-rows). Runs stand each once; tests, lines, hosts, owners and targets as the newest run
// has them that was read.
(() => {
  "use strict";
  const { MARKS } = window.mtFilter;
  const found = { target: [], host: [], owner: [], test: [], line: [], run: [] };
  const seen = new Set();
  const tests = new Map();
  const looked = { runs: 0, shards: 0, tests: 0, lines: 0 };
  const clear = () => {
    for (const rows of [...Object.values(found), seen, tests]) Array.isArray(rows) ? rows.length = 0 : rows.clear();
    looked.runs = looked.tests = looked.lines = 0;
  };
  const low = (text) => text.toLowerCase();
  const isBad = (letter) => "DFKBA".includes(letter);
  const WORDS = Object.fromEntries(Object.entries(MARKS).map(([letter, [, word]]) => [letter, word.replace(" ", "-")]));
  const add = (kind, key, row) => {
    if (seen.has(`${kind}\n${key}`)) return;
    seen.add(`${kind}\n${key}`);
    const letter = MARKS[row.letter] ? row.letter : "F";
    const known = { kind, change: "", flags: [kind], tags: [], ...row, letter, low: low(row.label) };
    known.state = kind === "target" || kind === "host" || kind === "owner" ? "" : WORDS[letter];
    known.text = low(`${row.label}\n${row.where || ""}\n${row.more || ""}`);
    found[kind].push(known);
  };
  // There are many of them: what is said of one is worked out when somebody asks.
  class Test {
    constructor(name, path) {
      this.name = name;
      this.label = name[1] ? name.join("/") : name[0];
      this.low = low(this.label);
      this.path = path || this.label;
    }
    get flags() { return this.name[1] ? ["test", "item"] : ["test"]; }
    get test() { return low(this.name[0]); }
    get item() { return low(this.name[1]); }
  }
  class Row {
    constructor(r, of, letter, host) { Object.assign(this, { r, of, letter, host }); }
    get kind() { return "test"; }
    get change() { return ""; }
    get state() { return WORDS[this.letter]; }
    get flags() { return this.of.flags; }
    get tags() { return this.r.known.tags; }
    get low() { return this.of.low; }
    get label() { return this.of.label; }
    get text() { return `${this.of.low}\n${this.r.low}`; }
    get said() { return `${this.r.where} · ${this.r.name}`; }
    get above() { return this.r.dir; }
    get page() { return `${this.r.dir}/${this.of.path}`; }
  }
  for (const name of ["run", "area", "target", "owner", "when"]) Object.defineProperty(Row.prototype, name, { get() { return this.r.known[name]; } });
  for (const name of ["test", "item"]) Object.defineProperty(Row.prototype, name, { get() { return this.of[name]; } });

  // A name begins with how much of the one before it is the same; behind \0 is its item.
  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const read = ({ names, paths, targets, hosts, runs, lines }) => {
    let before = "";
    const there = names.map((one, n) => {
      before = before.slice(0, DIGITS.indexOf(one[0])) + one.slice(1);
      const at = before.indexOf("\0");
      return new Test(at < 0 ? [before, ""] : [before.slice(0, at), before.slice(at + 1)], paths[n]);
    });
    const had = targets.map(() => new Uint8Array(names.length));
    const of = runs.map(([at, name, segment, when, letter, owner, contour, comment, change, letters, on, badOn, cut, dropped]) => {
      const [dir, area, ...values] = targets[at];
      looked.tests += cut || 0;
      looked.lines += dropped || 0;
      const where = [area, ...values].join("/");
      return {
        at, name, letter, owner, comment, change, on, badOn, where,
        letters: letters.replace(/(\D)(\d+)/g, (_, one, many) => one.repeat(many)),
        dir: `${dir}/${segment || name}`,
        low: low(where),
        known: { run: low(name), area: low(area), target: low(values.join("/")), owner: low(owner), tags: contour ? [low(contour)] : [], when },
      };
    });
    looked.runs += runs.length;
    for (const r of of.toReversed()) {
      const { known, where, letters } = r;
      const { when } = known;
      const [dir] = targets[r.at];
      add("run", r.dir, {
        ...known, label: r.name, where, more: `${r.owner}\n${r.comment}`, said: [where, r.owner, r.comment].filter(Boolean).join(" · "),
        letter: r.letter, flags: r.letter === "x" ? ["run", "gone"] : ["run"], host: r.on.map((host) => low(hosts[host][0])),
        change: ["new", "still", "fixed", "known"].filter((_, i) => (r.change >> i) & 1).join(" "), page: r.dir,
      });
      add("target", dir, { when, target: known.target, area: known.area, label: where, page: dir });
      if (r.owner) add("owner", r.owner, { when, owner: known.owner, label: r.owner, query: `owner:${r.owner.replace(/\s/g, "?")} is:run` });
      for (const host of r.on) add("host", hosts[host][0], { when, label: hosts[host][0], host: low(hosts[host][0]), page: `_hosts/${hosts[host][1] || hosts[host][0]}` });
      if (!tests.has(dir)) tests.set(dir, new Set());
      const newer = tests.get(dir);
      for (let n = 0, bad = 0; n < letters.length; n += 1) {
        const letter = letters[n];
        const host = isBad(letter) ? r.badOn[bad++] : -1;
        if (letter === "." || had[r.at][n]) continue;
        had[r.at][n] = 1;
        const { path } = there[n];
        if (newer.has(path)) continue;
        newer.add(path);
        found.test.push(new Row(r, there[n], MARKS[letter] ? letter : "F", host < 0 ? "" : low(hosts[host][0])));
      }
    }
    for (const [text, run, n, count, inRuns, log, line, on, cluster] of lines.toSorted((a, b) => b[1] - a[1])) {
      const r = of[run];
      const { label, test, item, path } = there[n];
      const page = `${r.dir}/${path}`;
      add("line", cluster, {
        ...r.known, test, item, label: text, where: `${r.where}\n${label}`, name: label, letter: isBad(r.letters[n]) ? r.letters[n] : "F",
        said: `${r.where} · ${r.name}${count > 1 ? ` · ×${count}` : ""}${inRuns > 1 ? ` in ${inRuns} runs` : ""}`,
        host: on.map((host) => low(hosts[host][0])), page, above: r.dir, log: log && `${page}/_log/${log}.html`, line,
      });
    }
  };
  window.mtSearchRows = { found, looked, read, clear };
})();
