// The search over the site: shards of runs, the newest first; older ones when somebody asks. What is
// typed is a filter (docs/filter.md) and stands in the address as ?q=.
(() => {
  "use strict";
  const part = document.querySelector("[data-mt=search]");
  if (!part) return;
  const { GROUPS, compile, parse, asked, keep } = window.mtFilter;
  const { found, looked, read, clear } = window.mtSearchRows;
  const make = window.mtElement;
  const shards = part.dataset.shards.split(" ").filter(Boolean).flatMap((one) => {
    const [month, total] = one.split(":");
    return Array.from({ length: total }, (_, i) => `${month}-${total - i}`);
  });
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
      window.mtSearchDraw(kind, rows, results);
      total += rows.length;
    }
    const known = Object.fromEntries(["test", "item", "run", "target", "area", "owner", "host"].map((name) => [name, ""]));
    count.textContent = `${window.mtNumber(total)} found in ${window.mtNumber(looked.runs)} run${looked.runs === 1 ? "" : "s"}${filter.said(known)}`;
  };

  let going = false, stopped = false;
  const lost = new Set();
  const offer = (label, deed) => {
    const one = make("button", label, older, "more");
    one.type = "button";
    one.onclick = deed;
    older.append(" ");
  };
  const say = (text = "") => {
    const rest = shards.slice(looked.shards);
    older.textContent = text || (rest.length ? "Older runs are not searched yet. " : lost.size ? "" : "All runs of this site are searched. ");
    if (text) return;
    const left = [[looked.tests, "tests of large runs"], [looked.lines, "kinds of failing lines"]].filter(([many]) => many);
    if (left.length) older.append(`Left out for their number: ${left.map((one) => one.join(" ")).join(", ")}. `);
    if (lost.size) {
      const months = [...new Set([...lost].map((name) => name.slice(0, 7)))].join(", ");
      older.prepend(`What is searched of ${months} could not be loaded; the next query tries again. `);
      offer("Try again", again);
    }
    if (rest.length) offer(`Search on, back to ${rest[0].slice(0, 7)}`, () => search(1));
    if (rest.length > 1) offer(`Search all ${rest.length} older parts, back to ${rest.at(-1).slice(0, 7)}`, () => search(rest.length));
  };
  const load = (name) => window.mtLoad(`${name}.js`, name).then((part) => { lost.delete(name); return part; }, () => { lost.add(name); });
  // So many shards more, one after the other; Escape ends it.
  const search = async (most) => {
    if (going) return;
    going = true;
    stopped = false;
    for (let done = 0; !stopped && done < most && looked.shards < shards.length; done += 1) {
      const name = shards[looked.shards];
      if (most > 1) say(`Part ${done + 1} of ${most}: ${name.slice(0, 7)}; Esc stops.`);
      const part = await load(name);
      if (part) read(part);
      looked.shards += 1;
      show();
    }
    going = false;
    say();
  };
  // What could not be loaded: rows stand as the newest run has them, so all are read anew with it.
  const again = async () => {
    if (going) return;
    going = true;
    if (await load([...lost][0])) {
      const parts = await Promise.all(shards.slice(0, looked.shards).map(load));
      clear();
      for (const part of parts) if (part) read(part);
      show();
    }
    going = false;
    say();
  };
  const apply = () => {
    keep(box.value.trim());
    if (looked.shards) show();
    else search(1);
    if (lost.size) again();
  };
  const links = () => [...results.querySelectorAll("[data-row]")].map((row) => row.querySelector("a"));
  const onKey = (event) => {
    const list = links();
    const at = list.indexOf(document.activeElement);
    if (event.key === "Escape") {
      if (going) stopped = true;
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
