// Terminal colours of lines that a script adds (data-mt=log-colours): the classes that the pages have,
// every other escape dropped, what can't be seen shown by its picture.
(() => {
  "use strict";
  if (!window.mtLog) return;
  const ESCAPE = /\x1b(?:\[([0-9;:]{0,256})m|\[[0-?]{0,256}[ -/]{0,8}[@-~]?|[\]PX^_](?:[^\x07\x1b\r\n]{0,4096}(?:\x07|\x1b\\)?)|[ -/]{0,8}[0-~]?)/g;
  const HIDDEN = /[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]/g;
  const LEVELS = [0, 95, 135, 175, 215, 255];
  const level = (c) => LEVELS.reduce((best, v, i) => (Math.abs(v - c) < Math.abs(LEVELS[best] - c) ? i : best), 0);
  const rgb = (i) => (i >= 232 ? Array(3).fill(8 + 10 * (i - 232)) : [36, 6, 1].map((n) => LEVELS[Math.floor((i - 16) / n) % 6]));
  const nearest = (red, green, blue) => {
    const cube = 16 + 36 * level(red) + 6 * level(green) + level(blue);
    const grey = 232 + Math.min(Math.max(Math.round(((red + green + blue) / 3 - 8) / 10), 0), 23);
    const far = (i) => rgb(i).reduce((sum, c, n) => sum + (c - [red, green, blue][n]) ** 2, 0);
    return far(cube) <= far(grey) ? cube : grey;
  };
  // As in mtsite/logs/ansi.py: of colours that are much alike one is shown.
  const shown = (i) => (i < 16 ? i : i >= 232 ? 234 + ((i - 232) & 28) : [36, 6, 1].reduce((sum, n) => sum + n * [0, 2, 2, 4, 4, 5][Math.floor((i - 16) / n) % 6], 16));
  const extended = (codes) => {
    const kind = codes.shift();
    if (kind === 5) { const i = codes.shift(); return i < 256 ? shown(i) : -2; }
    if (kind !== 2) return -2;
    const parts = codes.splice(0, 3);
    return parts.length === 3 && parts.every((c) => c < 256) ? shown(nearest(...parts)) : -2;
  };
  const codesOf = (text) => text.split(";").flatMap((group) => {
    const parts = group.split(":");
    if (parts.length === 1) return [Number(group)];
    if (parts[0] !== "38" && parts[0] !== "48") return [parts[0] === "4" && parts[1] === "0" ? 24 : Number(parts[0])];
    if (parts.length > 5 && parts[1] === "2") parts.splice(2, 1);
    return [...parts, 0, 0, 0, 0, 0].slice(0, parts[1] === "2" ? 5 : 3).map(Number);
  });
  const SWITCHES = { 1: ["b", 1], 2: ["d", 1], 3: ["i", 1], 4: ["u", 1], 7: ["v", 1], 21: ["u", 1], 23: ["i", 0], 24: ["u", 0], 27: ["v", 0] };
  const select = (pen, text) => {
    const codes = codesOf(text);
    while (codes.length) {
      const code = codes.shift();
      if (code === 0) pen = { f: -1, g: -1 };
      else if (code === 22) pen = { ...pen, b: 0, d: 0 };
      else if (SWITCHES[code]) pen = { ...pen, [SWITCHES[code][0]]: SWITCHES[code][1] };
      else if (code === 38 || code === 48) {
        const colour = extended(codes);
        if (colour > -2) pen = { ...pen, [code === 38 ? "f" : "g"]: colour };
      } else if ((code >= 30 && code < 38) || (code >= 90 && code < 98)) pen = { ...pen, f: code - (code < 90 ? 30 : 82) };
      else if ((code >= 40 && code < 48) || (code >= 100 && code < 108)) pen = { ...pen, g: code - (code < 90 ? 40 : 92) };
      else if (code === 39) pen = { ...pen, f: -1 };
      else if (code === 49) pen = { ...pen, g: -1 };
    }
    return pen;
  };
  const classes = ({ b, d, i, u, v, f, g }) => {
    const [front, back] = v ? [g, f] : [f, g];
    return [b && "a-b", d && "a-d", i && "a-i", u && "a-u", v && front < 0 && back < 0 && "a-v", front >= 0 && `a-f${front}`, back >= 0 && `a-g${back}`].filter(Boolean).join(" ");
  };
  const picture = (c) => { const n = c.charCodeAt(0); return n < 32 ? String.fromCharCode(0x2400 + n) : n === 127 ? "\u2421" : "\ufffd"; };
  const seen = (text) => text.replace(HIDDEN, picture);

  window.mtLog.plain = (text) => (text.includes("\x1b") ? text.replace(ESCAPE, "") : text);
  window.mtLog.fill = (element, text) => {
    const add = (piece, names) => {
      if (!piece) return;
      if (!names) { element.append(seen(piece)); return; }
      const span = document.createElement("span");
      span.className = names;
      span.textContent = seen(piece);
      element.append(span);
    };
    let at = 0;
    let pen = { f: -1, g: -1 };
    if (text.includes("\x1b")) for (const escape of text.matchAll(ESCAPE)) {
      add(text.slice(at, escape.index), classes(pen));
      at = escape.index + escape[0].length;
      if (escape[1] !== undefined) pen = select(pen, escape[1]);
    }
    add(text.slice(at), classes(pen));
  };
})();
