// The search over the site: shards of runs, the newest first; older ones when somebody asks. What is
// typed is a filter (docs/filter.md) and stands in the address as ?q=.
(() => {
  "use strict";
  const part = document.querySelector("[data-mt=search]");
  if (!part) return;
  const { GROUPS, compile, parse, asked, keep } = window.mtFilter;
  const { found, looked, read, draw } = window.mtSearchRows;
  const make = window.mtElement;
  const STEP = 20;
  const shards = part.dataset.shards.split(" ").filter(Boolean).flatMap((one) => {
    const [month, total] = one.split(":");
    return Array.from({ length: total }, (_, i) => `${month}-${total - i}`);
  });
  const TITLES = { names: "Targets, hosts, owners", test: "Tests", line: "Failing lines", run: "Runs" };
  const HEADS = { test: "in, newest run", line: "failing line", run: "in, owner, comment" };
  const body = part.querySelector("div");
  body.replaceChildren();
  const form = make("form", "", body, "filter-bar");
  const box = make("input", "", make("label", "", form, "filter-box"));
  Object.assign(box, { type: "search", maxLength: 1000, spellcheck: false, autocomplete: "off", placeholder: 'name s:fail host:lnx* owner:ann is:run since:7d "text"' });
  box.setAttribute("aria-label", "Search the site");
  const count = make("output", "", form, "filter-count");
  const older = make("p", "", body, "sub");
  const results = make("div", "", null, "results");
  part.after(results);
  const table = (kind, parent) => {
    const made = make("table", "", parent, "failures");
    const head = make("tr", "", make("thead", "", made));
    for (const text of ["state", kind === "run" ? "run" : "test", HEADS[kind], "newest"]) make("th", text, head, text === "newest" && "num").scope = "col";
    return make("tbody", "", made);
  };
  const section = (kind, rows) => {
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
  const ordered = (rows, word) => {
    const by = [[], [], [], [], [], []];
    for (const row of rows) {
      const near = !word || row.low === word ? 0 : row.low.startsWith(word) ? 1 : 2;
      by[2 * near + (GROUPS.bad.includes(row.state) ? 0 : 1)].push(row);
    }
    return by.flat();
  };
  const show = () => {
    const query = box.value.trim();
    results.replaceChildren();
    count.textContent = "";
    if (!query) return;
    const filter = compile(query);
    const word = parse(query).find((term) => term.kind === "text" && !term.not)?.value || "";
    const hits = (kind) => ordered(found[kind].filter(filter.hit), word);
    const all = { names: [...hits("target"), ...hits("host"), ...hits("owner")], test: hits("test"), line: hits("line"), run: hits("run") };
    let total = 0;
    for (const [kind, rows] of Object.entries(all)) {
      section(kind, rows);
      total += rows.length;
    }
    const known = Object.fromEntries(["test", "item", "run", "target", "area", "owner", "host"].map((name) => [name, ""]));
    count.textContent = `${total} found in ${looked.runs} run${looked.runs === 1 ? "" : "s"}${filter.said(known)}`;
  };

  let going = false;
  const say = (text = "") => {
    const rest = shards.slice(looked.shards);
    older.textContent = text || (rest.length ? "Older runs are not searched yet. " : "All runs of this site are searched. ");
    const left = [[looked.tests, "tests of large runs"], [looked.lines, "kinds of failing lines"]].filter(([many]) => many);
    if (!text && left.length) older.append(`Left out for their number: ${left.map((one) => one.join(" ")).join(", ")}. `);
    const button = (label, most) => {
      const one = make("button", label, older, "more");
      one.type = "button";
      one.onclick = () => search(most);
      older.append(" ");
    };
    if (!text && rest.length) button(`Search on, back to ${rest[0].slice(0, 7)}`, 1);
    if (!text && rest.length > 1) button(`Search all ${rest.length} older parts, back to ${rest.at(-1).slice(0, 7)}`, rest.length);
  };
  // So many shards more, one after the other; Escape ends it.
  const search = async (most) => {
    if (going) return;
    going = true;
    let trouble = "";
    for (let done = 0; going && done < most && looked.shards < shards.length; done += 1) {
      const name = shards[looked.shards];
      if (most > 1) say(`Part ${done + 1} of ${most}: ${name.slice(0, 7)}; Esc stops.`);
      try {
        read(await window.mtLoad(`${name}.js`, name));
      } catch {
        trouble = `What is searched of ${name.slice(0, 7)} could not be loaded. `;
      }
      looked.shards += 1;
      show();
    }
    going = false;
    say();
    older.prepend(trouble);
  };
  const apply = () => {
    keep(box.value.trim());
    if (looked.shards) show();
    else search(1);
  };
  const links = () => [...results.querySelectorAll("[data-row]")].map((row) => row.querySelector("a"));
  const onKey = (event) => {
    const list = links();
    const at = list.indexOf(document.activeElement);
    if (event.key === "Escape") {
      if (going) going = false;
      else { if (event.target === box) box.value = ""; box.focus(); apply(); }
    } else if (event.key === "ArrowDown") (list[at + 1] || list.at(-1))?.focus();
    else if (event.key === "ArrowUp") (list[at - 1] || box).focus();
    else if (event.key === "Enter" && event.target === box) list[0]?.click();
    else return;
    event.preventDefault();
  };
  document.querySelector(".tools [data-key='/']")?.removeAttribute("data-key");
  form.addEventListener("submit", (event) => event.preventDefault());
  part.addEventListener("keydown", onKey);
  results.addEventListener("keydown", onKey);
  box.addEventListener("input", apply);
  box.value = asked();
  box.focus();
  search(1);
})();
