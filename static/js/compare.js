// Any two runs side by side: ?a=RUN&b=RUN are their directories, each with a shard of what its
// tests came to. Classes are those of mtsite/comparison.py.
(() => {
  "use strict";
  const part = document.querySelector("[data-mt=compare]");
  if (!part) return;
  const { MARKS } = window.mtFilter;
  const [ORDER, GOOD, STEP] = ["PWVSCDFKBA", "PWVSC", 300];
  const KINDS = {
    "WORSE": "worse", "NOT-IN-SRC": "only in B", "NOT-IN-DEST": "only in A", "BETTER": "better",
    "BOTH-BAD": "bad in both", "BOTH-INCOMPLETE": "without a verdict in both", "CLEAN": "equal",
  };
  const SAFE = /^[A-Za-z0-9=,@~-][A-Za-z0-9.=,@_~-]*(\/[A-Za-z0-9=,@~-][A-Za-z0-9.=,@_~-]*)+$/;
  const make = window.mtElement;
  const body = part.querySelector("div");
  body.replaceChildren();
  const form = make("form", "", body, "filter-bar compare-runs");
  const say = make("p", "", body, "empty");
  say.setAttribute("role", "status");
  const boxes = ["a", "b"].map((name) => {
    const label = make("label", `${name.toUpperCase()} `, form, "filter-box");
    const box = make("input", "", label);
    box.value = (new URL(location.href).searchParams.get(name) || "").slice(0, 900);
    box.placeholder = "area/key/…/run, or the address of its page";
    box.setAttribute("list", `runs-${name}`);
    make("datalist", "", label).id = `runs-${name}`;
    return box;
  });
  make("button", "Compare", form, "more");
  // The address of a page is as good as the name of a directory.
  const plain = (text) => {
    const here = new URL("../", location.href).href;
    const path = text.trim().startsWith(here) ? text.trim().slice(here.length) : text.trim();
    return path.replace(/[?#].*/, "").replace(/\/index\.html$/, "").replace(/^\/|\/$/g, "");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [a, b] = boxes.map((box) => encodeURIComponent(plain(box.value)));
    location.assign(`?a=${a}&b=${b}`);
  });
  // The newest runs of a target are there to choose from.
  const offer = async (box, asked) => {
    const target = asked.slice(0, asked.lastIndexOf("/"));
    const { runs } = await window.mtLoad(`../${target}/_runs/grid.js`, "grid");
    for (const [, segment] of runs) make("option", "", box.list).value = `${target}/${segment}`;
  };
  const kindOf = (a, b) => {
    const [there, here] = [ORDER.indexOf(a), ORDER.indexOf(b)];
    if (there < 0 || here < 0) return here >= 0 ? "NOT-IN-SRC" : there >= 0 ? "NOT-IN-DEST" : "BOTH-INCOMPLETE";
    if (there === here) return GOOD.includes(b) ? "CLEAN" : "BOTH-BAD";
    return here < there ? "BETTER" : "WORSE";
  };
  const moved = (a, b) => {
    if (typeof a !== "number" || typeof b !== "number") return a === b ? 0 : 1;
    const most = Math.max(Math.abs(a), Math.abs(b));
    return a === b ? 0 : Math.min(1, Math.abs(b / most - a / most));
  };
  const slower = (a, b) => a > 0 && b > a * 1.5 && b - a >= 5;
  const table = (title, heads, rows, draw) => {
    if (!rows.length) return;
    const section = make("section", "", part.parentElement, "part");
    make("small", rows.length, make("h2", `${title} `, section));
    const box = make("div", "", section);
    const inner = make("table", "", box, "compared");
    const head = make("tr", "", make("thead", "", inner));
    heads.forEach((name) => { make("th", name, head).scope = "col"; });
    const lines = make("tbody", "", inner);
    const more = make("button", "", box, "more");
    more.onclick = () => {
      const from = lines.rows.length;
      for (const row of rows.slice(from, from + STEP)) draw(row, make("tr", "", lines));
      const rest = rows.length - lines.rows.length;
      more.hidden = !rest;
      more.textContent = `Show ${Math.min(rest, STEP)} of ${rest} more`;
    };
    more.onclick();
  };
  const mark = (letter, cell) => {
    const [symbol, word] = MARKS[letter] || (letter === "." ? ["·", "not there"] : MARKS.F);
    const said = make("span", "", cell, `mark v-${letter === "." ? "x" : letter}`);
    make("b", symbol, said).setAttribute("aria-hidden", "true");
    said.append(` ${word}`);
  };
  const named = (one, row) => {
    const [run, [name, item, , , , href, known]] = one.b ? [boxes[1].value, one.b] : [boxes[0].value, one.a];
    const label = item ? `${name}/${item}` : name;
    const link = make("a", "", make("td", "", row, "name"));
    link.href = `../${run}/${href || `${label}/index.html`}`;
    make("bdi", label, link);
    if (known) make("span", "known", link.parentElement, "tag");
    return row;
  };
  const key = (cells) => JSON.stringify(cells.slice(0, 2));
  const show = (a, b) => {
    const tests = new Map(a.tests.map((cells) => [key(cells), { a: cells }]));
    for (const cells of b.tests) tests.set(key(cells), { ...tests.get(key(cells)), b: cells });
    const all = [...tests.values()].map((one) => {
      const letters = [one.a, one.b].map((cells) => (cells ? cells[2] : "."));
      return { ...one, letters, kind: kindOf(...letters) };
    }).sort((x, y) => ORDER.indexOf(y.letters[1]) - ORDER.indexOf(x.letters[1]));
    const both = all.filter((one) => one.a && one.b);
    const values = both.flatMap((one) => {
      const before = new Map(one.a[4].map((value) => [key(value), value]));
      const found = one.b[4].map((value) => ({ ...one, value, old: before.get(key(value)) || value }));
      return found.map((pair) => ({ ...pair, by: moved(pair.old[2], pair.value[2]) })).filter((pair) => pair.by);
    }).sort((x, y) => y.by - x.by);
    const kinds = Object.keys(KINDS).map((kind) => [kind, all.filter((one) => one.kind === kind)]);
    say.textContent = `${kinds.filter(([, found]) => found.length).map(([kind, found]) => `${window.mtNumber(found.length)} ${KINDS[kind]}`).join(", ") || "Neither has a test"}.`;
    if (a.cut || b.cut) say.textContent += " Of their very many measured values not all are here.";
    document.title = `${a.runname} → ${b.runname}: ${say.textContent}`;
    for (const [kind, found] of kinds) {
      if (kind === "CLEAN") continue;
      table(KINDS[kind], ["test", "in A", "in B"], found, (one, row) => {
        for (const [i, letter] of one.letters.entries()) mark(letter, make("td", "", i ? row : named(one, row)));
      });
    }
    table("measured values", ["test", "value", "in A", "in B"], values, (one, row) => {
      make("td", one.value.slice(0, 2).join(" "), named(one, row));
      for (const value of [one.old, one.value]) make("td", `${value[2] ?? ""} ${value[3]}`, row, "num");
    });
    table("took longer", ["test", "in A", "in B"], both.filter((one) => slower(one.a[3], one.b[3])), (one, row) => {
      for (const [i, cells] of [one.a, one.b].entries()) make("td", `${cells[3]} s`, i ? row : named(one, row), "num");
    });
  };
  const start = async () => {
    const asked = boxes.map((box) => (box.value = plain(box.value)));
    const known = asked.filter((path) => SAFE.test(path));
    if (known.length) for (const [i, box] of boxes.entries()) await offer(box, SAFE.test(asked[i]) ? asked[i] : known[0]).catch(() => {});
    if (known.length < 2) {
      say.textContent = "Name two runs: paths of their directories, or addresses of their pages.";
      return;
    }
    const runs = [];
    const load = (path) => window.mtLoad(`../${path}/_values.js`, "values");
    // One by one: both shards have the same key. Where its area has another name now, `moved` leads.
    for (const [i, path] of asked.entries()) {
      try {
        const found = await load(path);
        if (SAFE.test(found.moved)) boxes[i].value = found.moved;
        runs.push(found.moved ? await load(boxes[i].value) : found);
      } catch {
        say.textContent = `${path}: this site has no such run, or what its tests came to is gone.`;
        return;
      }
    }
    show(...runs);
  };
  start();
})();
