// What a cell of a grid is, on focus and hover: reason and duration come from a shard that is
// fetched when it is first needed. The card is [data-mt=grid-card], beside the table.
(() => {
  "use strict";
  const card = document.querySelector("[data-mt=grid-card]");
  const part = card && card.parentElement;
  const region = part && part.querySelector(".scroll");
  if (!region) return;
  const make = window.mtElement;
  const nameOf = (row) => [...row.cells[0].querySelectorAll("bdi")].map((name) => name.textContent);
  const heads = [...region.querySelectorAll("thead tr:last-child th > a")];
  const runs = heads.map((head) => head.querySelector("bdi").textContent);
  part.dataset.live = "";
  let data = null;
  const fetched = () => {
    if (data || !part.dataset.cells) return Promise.resolve(data);
    return window.mtLoad(part.dataset.cells, "cells").then((found) => {
      data = { ...found, at: new Map(found.tests.map((test) => [`${test[0]}\n${test[1]}`, test])) };
      return data;
    });
  };
  const columnOf = (cell, x) => {
    let column = 0;
    for (let left = cell.previousElementSibling; left && left.tagName === "TD"; left = left.previousElementSibling) column += left.colSpan;
    const box = cell.getBoundingClientRect();
    const share = x === undefined ? 0 : Math.floor((x - box.left) / box.width * cell.colSpan);
    return Math.min(column + Math.max(0, share), runs.length - 1);
  };
  let aimed = "";
  const aim = (cell, x) => {
    const row = cell.closest("tr[data-row]");
    if (!row || cell.className === "rest") return;
    const column = columnOf(cell, x);
    const name = nameOf(row);
    const key = `${name.join("\n")}\n${column}`;
    if (key === aimed) return;
    aimed = key;
    const letter = cell.className.replace("v-", "");
    const said = (cell.querySelector("a") || { getAttribute: () => "" }).getAttribute("aria-label") || cell.textContent;
    card.className = `grid-card ${cell.className}`;
    card.replaceChildren();
    const link = heads[column].getAttribute("href");
    const own = row.cells[0].querySelector("a");
    const direct = !own && cell.querySelector("a");
    const colon = said.lastIndexOf(": ");
    make("b", `${name.filter(Boolean).join("/")} in ${direct ? said.slice(0, colon) : runs[column]}`, card);
    make("p", said.slice(colon < 0 ? 0 : colon + 2), card);
    const more = make("p", "", card, "dim");
    const line = make("p", "", card, "line");
    const links = make("p", "", card, "links");
    const path = own && /_tests\/(.*)\/index\.html$/.exec(own.getAttribute("href"));
    const page = path && letter !== "x" ? link.replace(/index\.html$/, `${path[1]}/`) : "";
    const lead = (text, href) => { make("a", text, links).href = href; };
    if (page) lead("test", `${page}index.html`);
    else if (direct) lead("test", direct.getAttribute("href"));
    else lead("run", link);
    if (own) lead("history", own.getAttribute("href"));
    place(cell, x);
    fetched().then((found) => {
      const test = found && found.at.get(`${name[0]}\n${name[1] || ""}`);
      const at = found ? found.runs.indexOf(runs[column]) : -1;
      if (key !== aimed) return;
      const kept = test && at >= 0;
      const why = kept && test[3].find((reason) => reason[0] === at);
      const seconds = kept && test[2].split(",")[at];
      if (kept) more.textContent = [why && why[1], seconds && window.mtTook(Number(seconds))].filter(Boolean).join(" · ");
      if (!why && "DFKBA".includes(letter)) line.textContent = "The reason is not kept here: open the test.";
      if (why) line.textContent = found.texts[why[4]];
      if (why && why.length > 5) more.append(` · known: ${found.texts[why[5]]}`);
      if (why && why[2] && page) lead("log line", `${page}_log/${why[2]}.html#L${why[3]}`);
      place(cell, x);
    }, () => { more.textContent = "The reasons could not be loaded."; });
  };
  const place = (cell, x) => {
    card.hidden = false;
    const box = cell.getBoundingClientRect();
    const home = part.getBoundingClientRect();
    const left = Math.min((x === undefined ? box.left : x - 12) - home.left, home.width - card.offsetWidth);
    const below = box.bottom + card.offsetHeight + 6 < innerHeight;
    card.style.left = `${Math.max(0, left)}px`;
    card.style.top = `${(below ? box.bottom + 2 : box.top - card.offsetHeight - 2) - home.top}px`;
  };
  const away = () => { card.hidden = true; aimed = ""; };
  region.addEventListener("mousemove", (event) => {
    const cell = event.target.closest("tbody td");
    if (cell) aim(cell, event.clientX);
  });
  region.addEventListener("focusin", (event) => {
    const cell = event.target.closest("tbody td");
    if (cell) aim(cell); else away();
  });
  part.addEventListener("mouseleave", away);
  // What has the focus may have been scrolled to just now: its card goes with it.
  region.addEventListener("scroll", () => {
    const cell = document.activeElement && document.activeElement.closest("tbody td");
    away();
    if (cell && region.contains(cell)) aim(cell);
  }, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") away(); });
})();
