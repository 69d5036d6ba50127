// A filter over the runs of a page in the language of docs/filter.md: s: is the verdict of a run, new,
// still and fixed whether it has such tests, @ its contour, a word what its row says. It stands in
// the address as ?q=.
(() => {
  "use strict";
  const table = document.querySelector("[data-mt=run-rows]");
  const rows = table ? [...table.querySelectorAll("[data-row]")] : [];
  if (rows.length < 2 || document.querySelector("input[type=search]")) return;
  const label = document.createElement("label");
  label.className = "list-filter";
  const box = document.createElement("input");
  box.type = "search";
  box.placeholder = "s:fail new !fixed @contour owner word";
  box.maxLength = 1000;
  box.setAttribute("aria-label", "Filter the runs of this page");
  const count = document.createElement("output");
  count.setAttribute("aria-live", "polite");
  label.append(box, count);
  table.before(label);

  const low = (row, part) => (row.querySelector(part)?.textContent || "").trim().toLowerCase();
  const read = rows.map((row) => ({
    state: low(row, ".mark").replace(/^\S+\s+/, "").replaceAll(" ", "-"),
    change: ["new", "still", "fixed", "known"].filter((kind) => row.querySelector(`.change .${kind}`)).join(" "),
    host: "",
    flags: row.querySelector(".reason .note")?.textContent.startsWith("gone") ? ["gone"] : [],
    tags: [low(row, ".who small")].filter(Boolean),
    text: row.textContent.toLowerCase(),
  }));
  const apply = () => {
    const query = box.value.trim();
    const filter = window.mtFilter.compile(query);
    let hits = 0;
    rows.forEach((row, i) => {
      const hit = !query || filter.hit(read[i]);
      row.hidden = !hit;
      hits += hit;
    });
    const odd = filter.unknown.length ? ` · nothing is called “${filter.unknown[0]}”` : "";
    count.textContent = query ? `${hits} of ${rows.length} on this page${odd}` : "";
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
  if (asked) box.value = asked.slice(0, box.maxLength);
  apply();
})();
