// What the other scripts make of the data of a page: an element as window.mtElement, with text only as
// text, and numbers and seconds in the words of the
// pages as window.mtNumber and window.mtTook (data-mt=element).
(() => {
  "use strict";
  window.mtElement = (name, text, parent, kind) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    if (kind) element.className = kind;
    if (parent) parent.append(element);
    return element;
  };
  const thin = "\u202f";
  window.mtNumber = (n) => (Math.abs(n) < 1e4 ? String(n) : String(n).replace(/\B(?=(\d{3})+$)/g, thin));
  const two = (n) => String(n).padStart(2, "0");
  window.mtTook = (seconds) => {
    const s = Math.trunc(Math.abs(seconds));
    const of = (size, unit, smaller, small) => `${Math.floor(s / size)}${thin}${unit} ${two(Math.floor((s % size) / small))}${thin}${smaller}`;
    const said = s >= 86400 ? of(86400, "d", "h", 3600) : s >= 3600 ? of(3600, "h", "m", 60) : s >= 60 ? of(60, "m", "s", 1) : `${s}${thin}s`;
    return seconds < 0 ? `−${said}` : said;
  };
})();
