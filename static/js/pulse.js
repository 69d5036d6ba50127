// The link to the jobs says which of them went wrong: from _status.js, which moves only when that does.
(() => {
  "use strict";
  const link = document.querySelector("[data-mt=pulse]");
  if (!link || !window.mtLoad) return;
  window.mtLoad(link.dataset.shard, "status").then((status) => {
    if (!status.wrong.length) return;
    link.textContent = `jobs: ${status.wrong.join(", ")} went wrong`;
    link.classList.add("problem");
  }, () => {});
})();
