// Buttons that copy a text of the page; mtCopy does it for other parts, too.
(() => {
  "use strict";
  const say = (text) => {
    const said = document.createElement("div");
    said.className = "said";
    said.setAttribute("role", "status");
    said.textContent = text;
    document.body.append(said);
    setTimeout(() => said.remove(), 1600);
  };
  const byHand = (text) => {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  };
  window.mtCopy = async (text, said) => {
    let done = false;
    try { await navigator.clipboard.writeText(text); done = true; } catch { done = byHand(text); }
    say(done ? said : text);
  };
  const linesOf = (id) => [...document.querySelectorAll(`#${CSS.escape(id)} code`)].map((line) => line.textContent).join("\n");
  for (const button of document.querySelectorAll("[data-mt=copy-text]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const { from, text } = button.dataset;
      // What stands for the address of the page is known here only.
      window.mtCopy(from ? linesOf(from) : text.replaceAll("\ufffc", location.href.replace(/[?#].*/, "")), "Copied");
    });
  }
})();
