// The grid: which rows are shown and how they are grouped stands in the address ([data-mt=run-grid]).
(() => {
  "use strict";
  const part = document.querySelector("[data-mt=run-grid]");
  const region = part && part.querySelector(".scroll");
  if (!region) return;
  const make = window.mtElement;
  const params = new URL(location.href).searchParams;
  const keep = (name, value) => {
    const address = new URL(location.href);
    if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
    address.hash = "";
    try { history.replaceState(null, "", address); } catch { /* some browsers refuse on file: */ }
  };

  const chips = [...part.querySelectorAll("[data-show]")];
  const show = (mark) => {
    part.dataset.only = mark;
    for (const chip of chips) {
      if (chip.dataset.show === mark) chip.setAttribute("aria-current", "true");
      else chip.removeAttribute("aria-current");
    }
  };
  const asked = params.get("show") || "";
  if (chips.length) show(chips.some((chip) => chip.dataset.show === asked) ? asked : "");
  for (const chip of chips) {
    chip.addEventListener("click", (event) => {
      event.preventDefault();
      show(chip.dataset.show);
      keep("show", chip.dataset.show);
    });
  }

  const nameOf = (row) => [...row.cells[0].querySelectorAll("bdi")].map((name) => name.textContent);
  const prefix = (name) => (/^.[^_\-./: ]*/.exec(name) || [name])[0];
  const bodies = [...part.querySelectorAll("tbody.group")];
  const before = bodies.map((body) => [...body.rows]);
  const wide = region.querySelectorAll("thead tr:last-child th").length + 1;
  const group = (on) => {
    bodies.forEach((body, i) => {
      if (!on) return body.replaceChildren(...before[i]);
      const rows = before[i].filter((row) => row.hasAttribute("data-row"));
      rows.sort((a, b) => nameOf(a).join("/").localeCompare(nameOf(b).join("/")));
      const made = before[i].filter((row) => !row.hasAttribute("data-row"));
      let last = null;
      for (const row of rows) {
        const now = prefix(nameOf(row)[0]);
        if (now !== last) {
          const head = make("tr", "", null, "prefix");
          const cell = make("th", now, head);
          cell.colSpan = wide;
          cell.scope = "rowgroup";
          made.push(head);
        }
        last = now;
        made.push(row);
      }
      body.replaceChildren(...made);
    });
  };
  // Two runs that are clicked with Shift are compared, the older one first.
  const heads = [...region.querySelectorAll("thead tr:last-child th > a")];
  const said = make("p", "", part.querySelector(".grid-tools"), "note");
  said.setAttribute("role", "status");
  let picked = null;
  const pick = (head) => {
    picked?.classList.remove("picked");
    picked = head === picked ? null : head;
    picked?.classList.add("picked");
    said.textContent = picked ? `${picked.querySelector("bdi").textContent} is picked: click another run with Shift to compare.` : "";
  };
  for (const head of heads) {
    head.addEventListener("click", (event) => {
      if (!event.shiftKey || !part.dataset.compare) return;
      event.preventDefault();
      if (!picked || picked === head) { pick(head); return; }
      const page = new URL(part.dataset.compare, location.href);
      const root = new URL("../", page).href;
      const two = [picked, head].sort((a, b) => heads.indexOf(b) - heads.indexOf(a));
      two.forEach((one, i) => page.searchParams.set("ab"[i], one.href.slice(root.length).replace("/index.html", "")));
      pick(picked);
      location.assign(page);
    });
  }

  const button = part.querySelector(".by-prefix");
  if (button && bodies.length) {
    button.hidden = false;
    const set = (on) => { button.setAttribute("aria-pressed", String(on)); group(on); };
    if (params.get("group") === "prefix") set(true);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      set(on);
      keep("group", on ? "prefix" : "");
    });
  }
})();
