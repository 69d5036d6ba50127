// The button that copies the address of the page, with its filter and its lines.
(() => {
  "use strict";
  const button = document.querySelector("[data-mt=copy-link]");
  if (!button) return;
  const say = (text) => {
    const said = document.createElement("div");
    said.className = "said";
    said.setAttribute("role", "status");
    said.textContent = text;
    document.body.append(said);
    setTimeout(() => said.remove(), 1600);
  };
  const byHand = () => {
    const field = document.createElement("textarea");
    field.value = location.href;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  };
  button.hidden = false;
  button.addEventListener("click", async () => {
    let done = false;
    try { await navigator.clipboard.writeText(location.href); done = true; } catch { done = byHand(); }
    say(done ? "Link copied" : location.href);
  });
})();
