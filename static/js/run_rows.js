// A filter over the runs of a page: words that a row must hold (name, target, state, owner, contour,
// comment, first failure), ! turns one around. It stands in the address as ?q=.
(() => {
  "use strict";
  const table = document.querySelector("[data-mt=run-rows]");
  const rows = table ? [...table.querySelectorAll("[data-row]")] : [];
  if (rows.length < 2 || document.querySelector("input[type=search]")) return;
  const label = document.createElement("label");
  label.className = "list-filter";
  const box = document.createElement("input");
  box.type = "search";
  box.placeholder = "filter  owner contour comment !not";
  box.setAttribute("aria-label", "Filter the runs of this page");
  const count = document.createElement("output");
  count.setAttribute("aria-live", "polite");
  label.append(box, count);
  table.before(label);

  const texts = rows.map((row) => row.textContent.toLowerCase());
  const apply = () => {
    const words = box.value.toLowerCase().match(/!?"[^"]*"|\S+/g) || [];
    const terms = words.map((word) => {
      const not = word.startsWith("!") && word.length > 1;
      return [not, (not ? word.slice(1) : word).replaceAll('"', "")];
    });
    let hits = 0;
    rows.forEach((row, i) => {
      const hit = terms.every(([not, term]) => texts[i].includes(term) !== not);
      row.hidden = !hit;
      hits += hit;
    });
    count.textContent = terms.length ? `${hits} of ${rows.length} on this page` : "";
  };
  box.addEventListener("input", () => {
    apply();
    const address = new URL(location.href);
    if (box.value.trim()) address.searchParams.set("q", box.value.trim());
    else address.searchParams.delete("q");
    try { history.replaceState(null, "", address); } catch { /* some browsers refuse on file: */ }
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    box.value = "";
    box.dispatchEvent(new Event("input"));
    box.blur();
  });
  const asked = new URL(location.href).searchParams.get("q");
  if (asked) box.value = asked;
  apply();
})();
