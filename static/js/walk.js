// From test to test inside the filter of the run's page. A row that is opened there takes the filter
// along in the address (?in=); which tests it showed is kept for this tab. Without that list the
// page keeps its own links to the failures around it.
(() => {
  "use strict";
  const MOST = 5000;
  const isTest = (one) => Array.isArray(one) && one.length === 2 && one.every((each) => typeof each === "string");
  const kept = (key) => { try { return JSON.parse(sessionStorage.getItem(key)).filter(isTest); } catch { return []; } };
  const keep = (key, list) => { try { sessionStorage.setItem(key, JSON.stringify(list)); } catch { /* full, or not allowed */ } };
  const bare = (href) => { const at = new URL(href, location.href); at.search = at.hash = ""; return at.href; };
  const taking = (href, filter) => { const at = new URL(href); at.searchParams.set("in", filter); return at.href; };

  const own = (row) => (row.matches("a") ? row : row.querySelector("a[data-open], .name a, a"));

  const box = document.querySelector("[data-mt=filter-bar] input");
  if (box) {
    const shown = (row) => !row.hidden && row.getClientRects().length > 0;
    addEventListener("click", (event) => {
      const link = event.target.closest?.("a");
      const row = link?.closest("[data-row]");
      if (!row || own(row) !== link) return;
      link.href = bare(link.href);
      const filter = box.value.trim();
      if (!filter) return;
      const rows = [...document.querySelectorAll("[data-row]")].filter(shown);
      const list = rows.map(own).filter(Boolean).slice(0, MOST);
      keep(`mt-walk ${filter}`, [...new Map(list.map((one) => [bare(one.href), one.textContent.trim()]))]);
      link.href = taking(link.href, filter);
    }, true);
    return;
  }

  const nav = document.querySelector("[data-mt=walk]");
  const filter = new URL(location.href).searchParams.get("in");
  if (!nav || !filter) return;
  const tests = kept(`mt-walk ${filter}`);
  const here = tests.findIndex(([href]) => href === bare(location.href));
  if (here < 0) return;
  const step = (index, key, what) => {
    if (!tests[index]) return [];
    const link = document.createElement("a");
    link.href = taking(tests[index][0], filter);
    link.dataset.key = key;
    const small = document.createElement("small");
    small.textContent = what;
    const name = document.createElement("bdi");
    name.textContent = tests[index][1];
    link.append(small, name);
    return [link];
  };
  const place = document.createElement("span");
  place.className = "dim";
  place.textContent = `${here + 1} of ${tests.length} in “${filter}”`;
  nav.setAttribute("aria-label", "Other tests of the filter");
  nav.hidden = false;
  nav.replaceChildren(...step(here - 1, "p", "before"), ...step(here + 1, "n", "next"), place);
})();
