// The text of a log beyond what its page shows (data-mt=log-blocks): one member of a .logz by Range
// request, or a small log whole. window.mtLog is what the parts of a log page share.
(() => {
  "use strict";
  const box = document.querySelector("[data-mt=log-lines]");
  if (!box) return;
  const { raw = "", index = "", indexKey = "" } = box.dataset;
  const LINES = Number(box.dataset.lines);
  const WHOLE_BYTES = 4e6;
  const { trouble, tableOf, inflate, decode, split } = window.mtLogText;

  const fetchSome = async (from, to, signal) => {
    const stop = new AbortController();
    signal?.addEventListener("abort", () => stop.abort());
    const answer = await fetch(raw, { headers: { Range: `bytes=${from}-${to}` }, signal: stop.signal });
    const total = /\/(\d+)$/.exec(answer.headers.get("Content-Range") || "");
    if (answer.status !== 206 || answer.headers.get("Content-Encoding")) {
      stop.abort();
      throw trouble(answer.ok ? "this server gives out files only whole (it ignores Range)" : `the server answers ${answer.status}`);
    }
    if (total && Number(total[1]) !== log.table.bytes) {
      stop.abort();
      throw trouble("the index of this log is that of another");
    }
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (bytes.length !== to - from + 1) throw trouble("the server sent less than was asked for");
    return bytes;
  };

  const load = async () => {
    if (!Number(box.dataset.bytes)) throw trouble("");
    if (location.protocol === "file:") throw trouble("a page that is opened from a file can read no other");
    if (index) {
      if (!window.DecompressionStream) throw trouble("this browser unpacks nothing");
      return tableOf(await window.mtLoad(index, indexKey).catch(() => { throw trouble("the index of this log can't be read"); }), LINES);
    }
    if (Number(box.dataset.bytes) > WHOLE_BYTES) throw trouble("it is too long to be read here");
    const answer = await fetch(raw);
    if (!answer.ok) throw trouble(`the server answers ${answer.status}`);
    const text = decode(new Uint8Array(await answer.arrayBuffer()));
    const lines = split(text);
    if (lines.length !== LINES) throw trouble("the stored text is another");
    return { members: [{ offset: 0, size: text.length, first: 1, lines: LINES, goesOn: false, rank: 0, text }], atLeast: null };
  };

  const kept = new Map();
  const log = window.mtLog = {
    box, lines: LINES, table: null, split, inflate,
    isTrouble: (error) => error.told === true,
    ready: () => {
      log.loading ||= load().then((table) => (log.table = table));
      return log.loading;
    },
    // The number of the member in which a line begins.
    memberOf: (line) => {
      const { members } = log.table;
      let low = 0;
      let high = members.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (members[middle].first <= line) low = middle; else high = middle - 1;
      }
      return low;
    },
    // Members from one to another, in one request: of each what resolves to its text, null where
    // it is damaged. Only what is read just now is unpacked.
    texts: async (from, to, signal) => {
      const { members } = log.table;
      if (members[from].text !== undefined) return [async () => members[from].text];
      const start = members[from].offset;
      const bytes = await fetchSome(start, members[to].offset + members[to].size - 1, signal);
      return members.slice(from, to + 1).map((m) => () => inflate(bytes.subarray(m.offset - start, m.offset - start + m.size)).then(decode, () => null));
    },
    // The lines that begin in a member; `before` is what in it belongs to the line before.
    member: (i) => {
      if (!kept.has(i)) {
        const promise = log.texts(i, i).then(([unpack]) => unpack()).then((text) => {
          if (text === null) throw Object.assign(trouble(`the lines from ${window.mtNumber(log.table.members[i].first)} on are damaged`), { damaged: true });
          const lines = split(text);
          const before = log.table.members[i].goesOn ? lines.shift() : "";
          if (lines.length !== log.table.members[i].lines) throw trouble("the index of this log is that of another");
          return { before, lines };
        });
        kept.set(i, promise);
        promise.catch(() => kept.delete(i));
        if (kept.size > 8) kept.delete(kept.keys().next().value);
      }
      return kept.get(i);
    },
  };
})();
