// How the search shows what it found: a section of each kind, twenty rows of it and more when somebody
// asks, as window.mtSearchDraw (data-mt=search-draw).
(() => {
  "use strict";
  const { MARKS } = window.mtFilter;
  const make = window.mtElement;
  const STEP = 20;
  const TITLES = { names: "Targets, hosts, owners", test: "Tests", line: "Failing lines", run: "Runs" };
  const HEADS = { test: "in, newest run", line: "failing line", run: "in, owner, comment" };
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
  const table = (kind, parent) => {
    const made = make("table", "", parent, "failures");
    const head = make("tr", "", make("thead", "", made));
    for (const text of ["state", kind === "run" ? "run" : "test", HEADS[kind], "newest"]) make("th", text, head, text === "newest" && "num").scope = "col";
    return make("tbody", "", made);
  };
  window.mtSearchDraw = (kind, rows, results) => {
    if (!rows.length) return;
    const box = make("section", "", results, "part");
    make("small", rows.length, make("h2", `${TITLES[kind]} `, box));
    const inner = make("div", "", box);
    const list = kind === "names" ? make("ul", "", inner, "names") : table(kind, inner);
    const more = make("button", "", make("p", "", inner, "cut"), "more");
    more.type = "button";
    more.onclick = () => {
      const from = list.children.length;
      for (const row of rows.slice(from, from + (from ? 5 * STEP : STEP))) draw[kind === "names" ? kind : "row"](row, list);
      const rest = rows.length - list.children.length;
      more.parentElement.hidden = !rest;
      more.textContent = `Show ${Math.min(rest, 5 * STEP)} of ${rest} more`;
    };
    more.onclick();
  };
})();
