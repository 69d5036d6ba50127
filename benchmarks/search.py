"""The search over a site of many pages, from the address to the first answer in Chromium.

    python -m benchmarks.search [--pages 50000] [--directory DIR] [--chromium FILE]

Shards are written by the product's own writer from made runs, in two kinds: `nightly`, runs of 100
tests on 20 targets over a year, and `distinct`, one run of which every test has another name. They
are opened over loopback from a server that sends what a bucket would, and from `mtsite serve`,
which packs nothing. Every opening is a new context, with nothing cached.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.log_view import bucket

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
OPENINGS = 9
TARGETS = 20
TESTS = 100
NOW = 1_795_305_600
DAY = 86_400
ANSWERED = """
new MutationObserver((_, watch) => {
  if (!document.querySelector("output")?.textContent) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => {
    document.documentElement.dataset.answered = performance.now();
  }));
}).observe(document, {subtree: true, childList: true});
"""
WORDS = "pcie usb ddr uart dma cache boot alu spi eth".split()


def runs(pages: int, kind: str) -> Iterator[Any]:
    """Runs with so many tests together, the oldest first."""
    from mtsite.failing import FailingLine
    from mtsite.logs.likeness import likeness
    from mtsite.model import RunKey, RunSummary, State, Status
    from mtsite.pages.search import FoundRun

    tests = pages if kind == "distinct" else TESTS
    total = pages // tests
    for number in range(total):
        names = [
            (f"{WORDS[n % 10]}_{WORDS[n // 10 % 10]}_case_{n:05d}", "" if n % 3 else f"c={n % 7}")
            for n in range(tests)
        ]
        outcomes = {
            name: ("F" if (n + number) % 29 == 0 else "P", 9) for n, name in enumerate(names)
        }
        bad = [name for name, (letter, _) in outcomes.items() if letter == "F"]
        texts = (f"ERROR: {name[0]} lost its link after {number} s" for name in bad[:300])
        lines = [
            FailingLine(*likeness(text), text, 1, name, "sim.log", 9)
            for text, name in zip(texts, bad, strict=False)
        ]
        place = NOW - 365 * DAY * (total - number) // total
        key = RunKey("chips", (f"u{number % TARGETS}", "nfs"), f"r{number:05d}")
        said = (f"owner{number % 9}", "", "nightly", State("COMPLETED"), Status("n/a"))
        summary = RunSummary(key, place, None, *said, counts={}, verdict="F")
        yield FoundRun(summary, place, outcomes, (), lines, len(lines))


def write(out: Path, pages: int, kind: str) -> None:
    """The page, its shards and the assets."""
    from zoneinfo import ZoneInfo

    from mtsite import urls
    from mtsite.build.theme import Theme
    from mtsite.pages import search
    from mtsite.pages.dates import month_of
    from mtsite.pages.page import SiteFrame

    months: dict[str, list[search.Draft]] = {}
    for run in runs(pages, kind):
        drafts = months.setdefault(month_of(run.place, ZoneInfo("UTC")), [search.Draft()])
        if not drafts[-1].take(run):
            drafts.append(search.Draft())
            drafts[-1].take(run)
    files = {
        urls.search_shard(month, n): draft.content(f"{month}-{n}")
        for month, drafts in months.items()
        for n, draft in enumerate(drafts, start=1)
    }
    theme = Theme()
    counted = {month: len(drafts) for month, drafts in sorted(months.items())}
    shown = search.context(SiteFrame("Benchmark"), counted)
    page = {urls.search_page(): theme.render(search.TEMPLATE, shown)}
    for path, content in {**theme.assets(), **page, **files}.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    sizes = [len(content) for content in files.values()]
    print(f"{kind}: {len(sizes)} shards, {sum(sizes):,} bytes, the largest {max(sizes):,}")


@contextmanager
def preview(tree: Path) -> Iterator[str]:
    """`mtsite serve` over a tree; its address."""
    from mtsite.publish.headers import headers_for
    from mtsite.serve import open_server

    server = open_server(tree, 0, lambda path: headers_for(path).content_type)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class Opening:
    """One new context with the search page."""

    def __init__(self, browser: Any, address: str) -> None:
        self.context = browser.new_context(viewport={"width": 1400, "height": 900})
        self.page = self.context.new_page()
        self.requests: list[Any] = []
        self.page.on("requestfinished", lambda request: self.requests.append(request))
        self.page.add_init_script(ANSWERED)
        self.page.goto(address, wait_until="commit")

    def answered(self) -> float:
        """Milliseconds by the browser's clock from the address to the answer, drawn."""
        answered = self.page.wait_for_selector("html[data-answered]", state="attached")
        return float(answered.get_attribute("data-answered"))

    def typed(self, text: str) -> float:
        """Milliseconds that an answer to other words takes, layout included."""
        return float(
            self.page.evaluate(
                """text => {
                  const box = document.querySelector("input");
                  const begun = performance.now();
                  box.value = text;
                  box.dispatchEvent(new Event("input"));
                  document.body.getBoundingClientRect();
                  return performance.now() - begun;
                }""",
                text,
            )
        )

    def all_older(self) -> float:
        """Seconds until all shards are searched."""
        started = time.monotonic()
        buttons = self.page.locator("[data-mt=search] .sub button")
        if buttons.count():
            buttons.last.click()
        self.page.wait_for_selector(".sub:has-text('All runs of this site')", timeout=120_000)
        return time.monotonic() - started

    def moved(self) -> tuple[int, int]:
        """Requests and bytes, heads included, without the icon."""
        self.page.wait_for_load_state("networkidle")
        sizes = [one.sizes() for one in self.requests if not one.url.endswith(".svg")]
        moved = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
        return len(sizes), moved


def look(browser: Any, address: str, how: str) -> None:
    """Open the search so often, and tell what it took."""
    times, typed = [], []
    for _ in range(OPENINGS):
        opening = Opening(browser, f"{address}_search/index.html?q=pcie")
        times.append(opening.answered())
        number, moved = opening.moved()
        typed.append(opening.typed("s:fail usb"))
        opening.context.close()
    opening = Opening(browser, f"{address}_search/index.html?q=pcie")
    opening.answered()
    older = opening.all_older()
    opening.context.close()
    print(
        f"  {how}: first answer {statistics.median(times):.0f} ms"
        f" ({min(times):.0f} to {max(times):.0f}), {number} requests, {moved:,} bytes;"
        f" other words {statistics.median(typed):.0f} ms; all older shards {older:.2f} s"
    )


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=50_000)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        for kind in ("nightly", "distinct"):
            tree = (given.directory or Path(scratch)) / kind
            write(tree, given.pages, kind)
            for how, server in (("as from a bucket", bucket), ("mtsite serve", preview)):
                with server(tree) as address:
                    look(browser, address, how)
        browser.close()


if __name__ == "__main__":
    main()
