// What a stored log is made of (data-mt=log-text), for the script that fetches it: the table of its
// members, a member unpacked, bytes as text, text as lines. Found as window.mtLogText.
(() => {
  "use strict";
  // A member has 256 kB of text (mtsite/logs/blocks.py): what says or unpacks to more is none.
  const MEMBER_BYTES = 1 << 20;
  const trouble = (text) => Object.assign(new Error(text), { told: true });
  const numbers = (text) => (text ? text.split(",").map((n) => parseInt(n || "0", 36)) : []);

  // Of each member: where it begins in the file and in the lines, and the level its first line inherits.
  const tableOf = (found, lineCount) => {
    const packed = numbers(found.p);
    const lines = numbers(found.n);
    const goesOn = new Set(numbers(found.g));
    let offset = 0;
    let first = 1;
    const members = packed.map((size, i) => {
      const member = { offset, size, first, lines: lines[i], goesOn: goesOn.has(i), rank: Number((found.l || "")[i] || 0) };
      offset += size;
      first += lines[i];
      return member;
    });
    const counts = Object.entries(found.c || {}).map(([rank, text]) => [Number(rank), numbers(text)]);
    const fits = [lines, ...counts.map(([, each]) => each)].every((each) => each.length === packed.length && each.every((n) => n >= 0));
    const sizes = packed.length > 0 && packed.every((size) => size > 0 && size <= MEMBER_BYTES);
    if (!fits || !sizes || offset !== found.bytes || first - 1 !== found.lines || found.lines !== lineCount) throw trouble("the index of this log is that of another");
    const atLeast = (i, rank) => counts.reduce((sum, [r, each]) => (r >= rank ? sum + each[i] : sum), 0);
    return { members, bytes: found.bytes, atLeast: found.c ? atLeast : null };
  };

  const inflate = async (bytes) => {
    const unpacker = new DecompressionStream("gzip");
    const writer = unpacker.writable.getWriter();
    for (const done of [writer.write(bytes), writer.close()]) done.catch(() => {});
    const reader = unpacker.readable.getReader();
    const pieces = [];
    let size = 0;
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      pieces.push(value);
      size += value.length;
      if (size > MEMBER_BYTES) { reader.cancel().catch(() => {}); throw trouble("a part of this log unpacks to far too much"); }
    }
    const whole = new Uint8Array(size);
    size = 0;
    for (const piece of pieces) { whole.set(piece, size); size += piece.length; }
    return whole;
  };

  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
  const latin1 = new TextDecoder("latin1");
  // A line that is no UTF-8 and reads as Latin-1 is that; mtsite/logs/source.py has the same rule.
  const decodeLine = (bytes) => {
    try { return strict.decode(bytes); } catch { /* it isn't UTF-8 */ }
    const text = utf8.decode(bytes);
    const high = bytes.filter((byte) => byte > 0x7f);
    const odd = /[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|[^\x00-\x7f\ufffd]/.test(text) || high.some((byte) => byte < 0xa0);
    return odd || high.length * 4 > bytes.length ? text : latin1.decode(bytes);
  };
  const decode = (bytes) => {
    const text = utf8.decode(bytes);
    if (!text.includes("\ufffd")) return text;
    let mended = "";
    for (let at = 0; at < bytes.length;) {
      const end = bytes.indexOf(10, at) + 1 || bytes.length;
      mended += decodeLine(bytes.subarray(at, end));
      at = end;
    }
    return mended;
  };

  const split = (text) => {
    const lines = text.includes("\r") ? text.split(/\r\n|\n|\r/) : text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    return lines;
  };

  window.mtLogText = { trouble, tableOf, inflate, decode, split };
})();
