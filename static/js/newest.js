// The newest runs of one test: a strip, its items beside it, and how long it took, from the shards of
// its target. It fills [data-mt=newest]; usual is the median of runs that passed, and what lies more
// than three times the median deviation (at least 5 s) from it is marked.
(() => {
  "use strict";
  const part = document.querySelector("[data-mt=newest]");
  if (!part) return;
  const SVG = "http://www.w3.org/2000/svg";
  const WORDS = { P: "pass", S: "skip", W: "warn", V: "waived", C: "check", D: "dead", F: "fail", K: "killed", B: "blocked", A: "abort", R: "running", N: "not run", ".": "not there" };
  const SYMBOLS = { S: "↷", W: "!", V: "~", C: "?", D: "†", F: "✗", K: "⊗", B: "⊘", A: "■", R: "▸", N: "◌", ".": "·" };
  const make = window.mtElement;
  const draw = (name, values, parent) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    parent.append(element);
    return element;
  };
  const median = (values) => [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];
  const usual = (values) => {
    if (values.length < 3) return null;
    const middle = median(values);
    const off = median(values.map((value) => Math.abs(value - middle)));
    return { middle, far: Math.max(3 * 1.4826 * off, 5) };
  };
  const [testname, item = ""] = [...document.querySelectorAll("h1 bdi")].map((name) => name.textContent);
  const letters = (joined) => joined.replace(/(.)(\d+)/g, (_, letter, n) => letter.repeat(Number(n)));

  const own = new RegExp(`_tests/(.*)/index\\.html$`).exec(decodeURI(location.pathname));
  const up = part.dataset.strips.replace(/_runs\/grid\.js$/, "");
  const strip = (runs, line, parent, below) => {
    const list = make("ol", "", parent, "past");
    list.setAttribute("aria-label", "Newest runs, newest right");
    [...line].slice(0, runs.length).map((letter, i) => [letter, i]).reverse().forEach(([letter, i]) => {
      const said = `${runs[i][0]}: ${WORDS[letter] || "fail"}`;
      const cell = make(letter === "." || !own ? "span" : "a", SYMBOLS[letter], make("li", "", list), `v-${letter === "." ? "x" : letter}`);
      cell.setAttribute("aria-label", said);
      if (cell.tagName === "A") cell.href = `${up}${runs[i][1]}/${encodeURI(`${own[1]}/${below}`)}index.html`;
      else cell.setAttribute("role", "img");
    });
  };
  const trend = (runs, line, durations) => {
    const known = durations.map((text) => (text === "" ? null : Number(text)));
    const most = Math.max(...known, 1);
    if (!known.some((value) => value !== null)) return;
    const rule = usual(known.filter((value, i) => value !== null && line[i] === "P"));
    const far = (value) => rule && Math.abs(value - rule.middle) > rule.far;
    const chart = draw("svg", { class: "durations", viewBox: `0 0 ${runs.length * 28} 64`, width: runs.length * 28, height: 64, role: "img" }, part);
    const said = rule ? `usually ${window.mtTook(rule.middle)}, longest ${window.mtTook(most)}` : `longest ${window.mtTook(most)}`;
    chart.setAttribute("aria-label", `How long it took: ${said}`);
    if (rule) draw("rect", { class: "usual", x: 0, width: runs.length * 28, y: 62 - 58 * Math.min(1, (rule.middle + rule.far) / most), height: Math.max(2, 58 * (Math.min(most, rule.middle + rule.far) - Math.max(0, rule.middle - rule.far)) / most) }, chart);
    known.forEach((value, i) => {
      if (value === null) return;
      const bar = draw("rect", { class: far(value) ? "far" : "near", x: (runs.length - 1 - i) * 28 + 8, width: 10, y: 62 - 58 * value / most, height: Math.max(1, 58 * value / most) }, chart);
      draw("title", {}, bar).textContent = `${runs[i]}: ${window.mtTook(value)}`;
    });
    make("p", `Newest right; ${said}.${rule ? ` Marked: more than 3 × 1.48 × the median deviation from the median of what passed (${window.mtTook(Math.round(rule.far))}).` : ""}`, part, "note");
    const more = make("details", "", part);
    make("summary", "Durations as a table", more);
    const table = make("table", "", more);
    const head = make("tr", "", make("thead", "", table));
    for (const text of ["run", "state", "took"]) make("th", text, head).scope = "col";
    const body = make("tbody", "", table);
    known.forEach((value, i) => {
      const row = make("tr", "", body);
      make("th", runs[i], row).scope = "row";
      make("td", WORDS[line[i]] || "fail", row);
      make("td", value === null ? "–" : window.mtTook(value) + (far(value) ? " ▲" : ""), row);
    });
  };
  const items = (found, runs) => {
    const rows = found.tests.filter((test) => test[0] === testname && test[1]);
    if (item || !rows.length) return;
    const links = new Map([...document.querySelectorAll(".item-now a")].map((a) => [a.textContent, decodeURI(a.getAttribute("href"))]));
    const more = make("details", "", part, "items-by-runs");
    make("summary", `Items × runs: ${rows.length} items`, more);
    more.addEventListener("toggle", () => {
      if (!more.open || more.querySelector("table")) return;
      const body = make("tbody", "", make("table", "", make("div", "", more, "scroll")));
      for (const row of rows.slice(0, 500)) {
        const line = make("tr", "", body);
        make("th", row[1], line).scope = "row";
        strip(runs, letters(row[2]), make("td", "", line), (links.get(row[1]) || "").replace(/index\.html$/, ""));
      }
      if (rows.length > 500) make("p", `500 of ${rows.length} items are shown.`, more, "cut");
    });
  };
  window.mtLoad(part.dataset.strips, "grid").then((found) => {
    const test = found.tests.find((each) => each[0] === testname && each[1] === item);
    if (!test) return;
    const line = letters(test[2]);
    const windows = make("p", "", part, "windows");
    windows.hidden = found.runs.length <= 30;
    const box = make("div", "", part);
    const show = (n) => { box.replaceChildren(); strip(found.runs.slice(0, n), line, box, ""); };
    for (const n of [30, 100]) {
      const button = make("button", String(n), windows, "chip");
      button.type = "button";
      button.addEventListener("click", () => show(n));
    }
    part.querySelector(".note").remove();
    show(30);
    items(found, found.runs.slice(0, 30));
    window.mtLoad(part.dataset.cells, "cells").then((cells) => {
      const one = cells.tests.find((each) => each[0] === testname && each[1] === item);
      if (one) trend(cells.runs, line, one[2].split(",").slice(0, cells.runs.length));
    }, () => {});
  }, () => {});
})();
