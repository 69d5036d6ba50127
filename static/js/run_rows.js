// A filter over the runs of a page in the language of docs/filter.md: s: is the verdict of a run, new,
// still and fixed whether it has such tests, @ its contour, run:, owner: and since: what they say, a
// word what its row says. It stands in the address as ?q=.
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
    run: low(row, ".name a"),
    owner: low(row, ".who > bdi"),
    when: Date.parse(row.querySelector("time")?.dateTime) / 1000,
    ...(row.querySelector(".name .dim") && { target: low(row, ".name .dim bdi") }),
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
    count.textContent = query ? `${window.mtNumber(hits)} of ${window.mtNumber(rows.length)} on this page${filter.said(read[0])}` : "";
  };
  box.addEventListener("input", () => {
    apply();
    window.mtFilter.keep(box.value.trim());
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    box.value = "";
    box.dispatchEvent(new Event("input"));
    box.blur();
  });
  box.value = window.mtFilter.asked();
  apply();
})();
