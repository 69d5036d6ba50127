// The button that copies the address of the page, with its filter and its lines.
(() => {
  "use strict";
  const button = document.querySelector("[data-mt=copy-link]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => window.mtCopy(location.href, "Link copied"));
})();
