// Data of a page that lies in a script beside it: file:// knows no fetch. A shard is one call,
// mtShard("key", "JSON"); mtLoad(src, key) resolves to its value. A missing, broken or empty
// shard rejects, and may be asked for again. Other parts find it as window.mtLoad (data-mt=shard).
(() => {
  "use strict";
  const waiting = new Map();
  const loads = new Map();
  window.mtShard = (key, text) => {
    const answer = waiting.get(key);
    if (!answer) return;
    waiting.delete(key);
    try { answer.ok(JSON.parse(text)); } catch (error) { answer.no(error); }
  };
  const load = (src, key) => new Promise((ok, no) => {
    const script = document.createElement("script");
    const answer = { ok, no };
    waiting.set(key, answer);
    script.src = src;
    // A script with a mistake in it "loads" without its call.
    const end = () => {
      script.remove();
      if (waiting.get(key) !== answer) return;
      waiting.delete(key);
      no(new Error(`no data in ${src}`));
    };
    script.onload = script.onerror = end;
    document.head.append(script);
  });
  window.mtLoad = (src, key) => {
    if (!loads.has(src)) {
      const promise = load(src, key);
      loads.set(src, promise);
      promise.catch(() => loads.delete(src));
    }
    return loads.get(src);
  };
})();
