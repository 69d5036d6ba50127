// The filter of a run's page: docs/filter.md. What is typed stands in the address as ?q= and comes
// back with it; chips write their text into the box: a click replaces, Ctrl-click adds, Alt-click
// excludes. Where the page has all tests, rows that don't match are hidden; else the part
// "matches" searches the shards, told by the event mt-filter.
(() => {
  "use strict";
  const form = document.querySelector("[data-mt=filter-bar]");
  if (!form) return;
  const box = form.querySelector("input");
  const count = form.querySelector("output");
  const chips = [...form.querySelectorAll("[data-filter]")];
  const links = [...document.querySelectorAll(".lead a[href^='?q=']")];
  const beyond = document.querySelector("[data-mt=matches]");
  const low = (text) => (text || "").toLowerCase();
  const list = (text, by) => (text ? low(text).split(by) : []);

  const read = (row) => {
    const name = row.querySelector("[data-open], a") || row;
    const line = row.querySelector(".line [title]") || row.closest("tbody")?.querySelector(".line [title]");
    const said = line?.title || row.closest("[data-line]")?.dataset.line || "";
    const [first, last] = name.querySelectorAll("bdi");
    const above = row.dataset.n;
    return {
      row,
      test: low(above ? above.slice(0, -1) : first?.textContent),
      item: low((above ? first : last)?.textContent),
      state: row.dataset.s || row.closest("[data-s]").dataset.s,
      change: row.dataset.c || "",
      host: low(row.dataset.h),
      flags: list(row.dataset.f, " "),
      tags: list(row.dataset.g, ","),
      text: low(`${row.dataset.n || ""}${name.textContent}\n${said}`),
    };
  };
  let rows = null;
  const folds = beyond ? [] : [...document.querySelectorAll(".listed details, .listed .group, .listed .iterated, .listed tr.fold, .listed tbody")];
  const opened = new Map(folds.map((fold) => [fold, fold.open]));
  const says = (hits, total, said) => {
    count.textContent = box.value.trim() ? `${window.mtNumber(hits)} of ${window.mtNumber(total)} tests${said}` : "";
  };

  const hide = (query, filter) => {
    rows ||= [...document.querySelectorAll(".listed [data-row]")].map(read);
    let hits = 0;
    for (const r of rows) {
      const hit = !query || filter.hit(r);
      if (r.row.hidden === hit) r.row.hidden = !hit;
      hits += hit;
    }
    for (const fold of folds.toReversed()) {
      const any = !query || Boolean(fold.querySelector("[data-row]:not([hidden])"));
      fold.hidden = !any;
      if ("open" in fold) fold.open = query ? any : opened.get(fold);
    }
    says(hits, rows.length, filter.said(rows[0]));
  };
  const apply = () => {
    const query = box.value.trim();
    const filter = window.mtFilter.compile(query);
    document.body.classList.toggle("filtered", Boolean(query));
    if (beyond) {
      const answer = (hits, all) => says(hits, all.length, filter.said(all[0]));
      document.dispatchEvent(new CustomEvent("mt-filter", { detail: { query, filter, answer } }));
    } else hide(query, filter);
    const words = low(query).split(/\s+/);
    for (const chip of chips) {
      const text = chip.dataset.filter;
      const on = text ? words.includes(text) : !query;
      if (on) chip.setAttribute("aria-current", "true"); else chip.removeAttribute("aria-current");
      chip.classList.toggle("not", Boolean(text) && words.includes(`!${text}`));
    }
  };
  const keep = () => window.mtFilter.keep(box.value.trim());
  const set = (query) => { box.value = query; apply(); keep(); };

  const onChip = (event, text) => {
    if (event.shiftKey || event.button) return;
    event.preventDefault();
    const words = box.value.trim().split(/\s+/).filter((word) => word && word !== text && word !== `!${text}`);
    if (event.altKey && text) set([...words, `!${text}`].join(" "));
    else if ((event.ctrlKey || event.metaKey) && text) set([...words, text].join(" "));
    else set(text);
  };
  form.querySelector(".filter-box").hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("input", () => { apply(); keep(); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { set(""); box.blur(); }
  });
  for (const chip of chips) chip.addEventListener("click", (event) => onChip(event, chip.dataset.filter));
  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      onChip(event, new URL(link.href).searchParams.get("q"));
      form.scrollIntoView({ block: "start" });
    });
  }
  box.value = window.mtFilter.asked();
  // Not before the parts that follow in this script listen.
  if (box.value) queueMicrotask(apply);
  else chips.find((chip) => !chip.dataset.filter)?.setAttribute("aria-current", "true");
})();
