// What the search looks through: rows out of shards, the newest shard first, as window.mtSearchRows
// (data-mt=search-rows). Runs stand each once; tests, lines, hosts, owners and targets as the newest run
// has them that was read; and how a row is shown.
(() => {
  "use strict";
  const { MARKS } = window.mtFilter;
  const make = window.mtElement;
  const found = { target: [], host: [], owner: [], test: [], line: [], run: [] };
  const seen = new Set();
  const looked = { runs: 0, shards: 0, tests: 0, lines: 0 };
  const low = (text) => text.toLowerCase();
  const isBad = (letter) => "DFKBA".includes(letter);

  const add = (kind, key, row) => {
    if (seen.has(`${kind}\n${key}`)) return;
    seen.add(`${kind}\n${key}`);
    const letter = MARKS[row.letter] ? row.letter : "F";
    const known = { kind, change: "", flags: [kind], tags: [], ...row, letter, low: low(row.label) };
    known.state = kind === "target" || kind === "host" || kind === "owner" ? "" : MARKS[letter][1].replace(" ", "-");
    known.text = low(`${row.label}\n${row.where || ""}\n${row.more || ""}`);
    found[kind].push(known);
  };
  const read = ({ names, paths, targets, hosts, runs, lines }) => {
    const labels = names.flatMap(([test, ...items]) => items.map((item) => [test, item]));
    const label = ([test, item]) => (item ? `${test}/${item}` : test);
    const there = labels.map((name, n) => ({ label: label(name), test: low(name[0]), item: low(name[1]), path: paths[n] || label(name), flags: name[1] ? ["test", "item"] : ["test"] }));
    const had = targets.map(() => new Uint8Array(labels.length));
    const of = runs.map(([at, name, segment, when, letter, owner, contour, comment, change, letters, on, badOn, cut, dropped]) => {
      const [dir, area, ...values] = targets[at];
      looked.tests += cut || 0;
      looked.lines += dropped || 0;
      return {
        at, name, letter, owner, comment, change, on, badOn, when,
        letters: letters.replace(/(\D)(\d+)/g, (_, one, many) => one.repeat(many)),
        dir: `${dir}/${segment || name}`,
        where: [area, ...values].join("/"),
        known: { run: low(name), area: low(area), target: low(values.join("/")), owner: low(owner), tags: contour ? [low(contour)] : [], when },
      };
    });
    looked.runs += runs.length;
    for (const r of of.toReversed()) {
      const { known, where } = r;
      add("run", r.dir, {
        ...known, label: r.name, where, more: `${r.owner}\n${r.comment}`, said: [where, r.owner, r.comment].filter(Boolean).join(" · "),
        letter: r.letter, flags: r.letter === "x" ? ["run", "gone"] : ["run"], host: r.on.map((host) => low(hosts[host][0])),
        change: ["new", "still", "fixed", "known"].filter((_, i) => (r.change >> i) & 1).join(" "), page: r.dir,
      });
      const { when } = known;
      add("target", targets[r.at][0], { when, target: known.target, area: known.area, label: where, page: targets[r.at][0] });
      if (r.owner) add("owner", r.owner, { when, owner: known.owner, label: r.owner, query: `owner:${r.owner.replace(/\s/g, "?")} is:run` });
      for (const host of r.on) add("host", hosts[host][0], { when, label: hosts[host][0], host: low(hosts[host][0]), page: `_hosts/${hosts[host][1] || hosts[host][0]}` });
      let bad = 0;
      [...r.letters].forEach((letter, n) => {
        const host = isBad(letter) ? r.badOn[bad++] : -1;
        if (letter === "." || had[r.at][n]) return;
        had[r.at][n] = 1;
        add("test", `${r.dir.slice(0, r.dir.lastIndexOf("/"))}\n${there[n].path}`, {
          ...known, ...there[n], letter, where, said: `${where} · ${r.name}`, host: host < 0 ? "" : low(hosts[host][0]), page: `${r.dir}/${there[n].path}`, above: r.dir,
        });
      });
    }
    for (const [text, run, n, tests, inRuns, log, line, on, cluster] of lines.toSorted((a, b) => b[1] - a[1])) {
      const r = of[run];
      const page = `${r.dir}/${there[n].path}`;
      add("line", cluster, {
        ...r.known, ...there[n], label: text, flags: ["line"], where: `${r.where}\n${there[n].label}`, name: there[n].label, letter: isBad(r.letters[n]) ? r.letters[n] : "F",
        said: `${r.where} · ${r.name}${tests > 1 ? ` · ×${tests}` : ""}${inRuns > 1 ? ` in ${inRuns} runs` : ""}`,
        host: on.map((host) => low(hosts[host][0])), page, above: r.dir, log: log && `${page}/_log/${log}.html`, line,
      });
    }
  };
  // A longer address is cut by a digest that no script knows: what lies above leads there.
  const href = (path, above) => `../${path.length <= 890 || !above ? path : above}/index.html`;
  const day = (when) => (when && Math.abs(when) < 1e11 ? new Date(when * 1000).toISOString().slice(0, 10) : "");
  const draw = {
    names: (row, list) => {
      const line = make("li", "", list);
      line.dataset.row = "";
      const link = make("a", "", line);
      make("bdi", row.label, link);
      link.href = row.query ? `?q=${encodeURIComponent(row.query)}` : href(row.page);
      make("span", ` ${row.kind}`, line, "dim");
    },
    row: (row, body) => {
      const line = make("tr", "", body, `v-${row.letter}`);
      line.dataset.row = "";
      line.dataset.s = row.state;
      const mark = make("span", "", make("td", "", line, "state"), "mark");
      make("b", MARKS[row.letter][0], mark).setAttribute("aria-hidden", "true");
      mark.append(` ${MARKS[row.letter][1]}`);
      const name = make("th", "", line, "name");
      name.scope = "row";
      const link = make("a", "", name);
      make("bdi", row.name || row.label, link);
      link.href = href(row.page, row.above);
      const said = make("td", "", line, "line");
      if (row.kind === "line") {
        make("span", row.said, name, "dim of-items");
        const text = make(row.log ? "a" : "span", row.label, said);
        if (row.log) text.href = row.log.length <= 900 ? `../${row.log}#L${row.line}` : link.href;
        said.title = row.label;
      } else make("span", row.said, said).title = row.said;
      make("td", day(row.when), line, "num took");
    },
  };
  window.mtSearchRows = { found, looked, read, draw };
})();
