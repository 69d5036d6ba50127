"""A long log, from its file to a line on the screen of Chromium.

    python -m benchmarks.log_view [--megabytes 1024] [--directory DIR] [--chromium FILE]

The log is made of the real ones in tests/data (`benchmarks.logs`). It is taken and its pages are
made in a process of its own, whose peak of memory is told; then Chromium opens them over loopback,
from a server that sends what a bucket would: text packed, the log in ranges. Every opening is a new
context, with nothing cached. Requests are counted without the icon, which is not waited for.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]
OPENINGS = 9
MEGABYTE = 1 << 20


def take(log: Path, tree: Path) -> None:
    """Take a log, write its pages; prints what it took."""
    from browser.log_site import PAGE, write_log_site

    started, used = time.monotonic(), time.process_time()
    entry = write_log_site(tree, log, small_bytes=MEGABYTE, block_bytes=1 << 18)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent, used = time.monotonic() - started, time.process_time() - used
    index = next(tree.rglob("_part/*/*.js"))
    stored = next(tree.glob("_blobs/??/*.logz"))
    parts = list(tree.rglob("_part/*/*.html"))
    print(f"{entry.lines:,} lines, {entry.size / 1e6:,.0f} MB, {entry.finding_count:,} findings")
    print(f"taken and rendered: {spent:.1f} s ({used:.1f} s of processor), {peak:.0f} MB at most")
    print(f"stored: {stored.stat().st_size / 1e6:,.1f} MB; index {index.stat().st_size:,} bytes")
    size = sum(part.stat().st_size for part in parts)
    print(f"page: {(tree / PAGE).stat().st_size:,} bytes; {len(parts)} parts, {size / 1e6:.1f} MB")


# -- a server that sends what a bucket sends


@cache
def packed(path: Path, name: str) -> tuple[bytes, dict[str, str]]:
    from mtsite.publish.encode import encode_file
    from mtsite.publish.headers import headers_for

    made = encode_file(path, headers_for(name), pack=True)
    content = made.source if isinstance(made.source, bytes) else made.source.read()
    headers = {"Content-Type": made.headers.content_type}
    if made.headers.content_encoding:
        headers["Content-Encoding"] = made.headers.content_encoding
    return content, headers


class Bucket(BaseHTTPRequestHandler):
    """Whole objects as they were put, or one range of them."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 20
    disable_nagle_algorithm = True
    tree = Path()

    def do_GET(self) -> None:
        name = self.path.split("?")[0].lstrip("/")
        path = self.tree / name
        if not path.is_file():
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        if asked:
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            with path.open("rb") as file:
                file.seek(first)
                content = file.read(last - first + 1)
            size = path.stat().st_size
            headers = {"Content-Range": f"bytes {first}-{last}/{size}"}
            headers["Content-Type"] = "application/gzip"
            self._send(206, content, headers)
        else:
            self._send(200, *packed(path, name))

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def bucket(tree: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Tree", (Bucket,), {"tree": tree}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


# -- in the browser


# Chromium's own clock, from the start of the navigation until the frame after the line was there.
SHOWN = """
new MutationObserver((_, watch) => {
  if (!document.querySelector(".chosen")) return;
  watch.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.shownAfter = performance.now(); }));
}).observe(document, {subtree: true, childList: true, attributeFilter: ["class"]});
"""


class Reader:
    """One new context with the page of the log."""

    def __init__(self, browser: Any, address: str) -> None:
        self.address = address
        self.context = browser.new_context(viewport={"width": 1400, "height": 900})
        self.page = self.context.new_page()
        self.page.add_init_script(SHOWN)
        self.requests: list[Any] = []
        self.page.on("requestfinished", lambda request: self.requests.append(request))

    def open_at(self, line: int) -> float:
        """Milliseconds until the line is on the screen."""
        self.page.goto(f"{self.address}#L{line}", wait_until="commit")
        self.page.wait_for_selector(f"#L{line}.chosen", timeout=60_000)
        self.page.wait_for_function("window.shownAfter")
        return float(self.page.evaluate("window.shownAfter"))

    def moved(self) -> tuple[int, int]:
        """Requests and bytes, heads included, without the icon."""
        self.page.wait_for_load_state("networkidle")
        sizes = [one.sizes() for one in self.requests if not one.url.endswith(".svg")]
        moved = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
        return len(sizes), moved

    def heap(self) -> float:
        """Megabytes of script's memory after what is dead was collected, without looking at the
        stack for what may live."""
        collect = "gc({type: 'major', execution: 'async'})"
        script = f"{collect}.then(() => performance.memory.usedJSHeapSize)"
        return float(self.page.evaluate(script)) / 1e6

    def press_n(self) -> float:
        """Milliseconds to the next finding."""
        before = self.page.evaluate("location.hash")
        started = time.monotonic()
        self.page.keyboard.press("n")
        while True:
            found = self.page.evaluate(
                "[location.hash, !!document.querySelector(location.hash + '.chosen')]"
            )
            if found[0] != before and found[1]:
                return (time.monotonic() - started) * 1000

    def search(self, words: str) -> float:
        """Seconds for the whole file."""
        self.page.fill("input[type=search]", words)
        started = time.monotonic()
        self.page.keyboard.press("Enter")
        while not self.told().endswith("found"):
            time.sleep(0.02)
        return time.monotonic() - started

    def end_search(self, words: str) -> float:
        """Milliseconds from Esc to the end of a search that was half a second old."""
        self.page.fill("input[type=search]", words)
        self.page.keyboard.press("Enter")
        time.sleep(0.5)
        started = time.monotonic()
        self.page.keyboard.press("Escape")
        while not self.told().startswith("ended"):
            time.sleep(0.005)
        return (time.monotonic() - started) * 1000

    def told(self) -> str:
        return str(self.page.inner_text(".log-view output"))


def look(chromium: str, address: str, lines: int, size: int) -> None:
    from playwright.sync_api import sync_playwright

    far = int(lines * 0.974)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--enable-precise-memory-info", "--js-flags=--expose-gc"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        times, moved, heaps = [], (0, 0), []
        for _ in range(OPENINGS):
            reader = Reader(browser, address)
            times.append(reader.open_at(far))
            moved = reader.moved()
            heaps.append(reader.heap())
            reader.context.close()
        middle = statistics.median(times)
        print(f"opened at #L{far}: {middle:.0f} ms ({min(times):.0f}–{max(times):.0f})")
        print(f"{moved[0]} requests, {moved[1] / 1000:.0f} kB moved; heap {max(heaps):.1f} MB")
        reader = Reader(browser, address)
        first = time.monotonic()
        reader.page.goto(address, wait_until="commit")
        reader.page.wait_for_selector(".hit-first")
        print(f"page to first error: {(time.monotonic() - first) * 1000:.0f} ms")
        reader.page.wait_for_load_state("load")
        steps = [reader.press_n() for _ in range(12)]
        print(f"next error: {statistics.median(steps):.0f} ms, {max(steps):.0f} at most")
        spent = reader.search("zzz nowhere zzz")
        print(f"search of the whole file: {spent:.1f} s, {size / spent / 1e6:.0f} MB/s")
        print(f"heap after that: {reader.heap():.1f} MB")
        print(f"search ended by Esc after {reader.end_search('zzz not here'):.0f} ms")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--take", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take:
        take(*asked.take)
        return
    with tempfile.TemporaryDirectory(dir=asked.directory) as directory:
        from benchmarks.logs import make_log

        log, tree = Path(directory, "sim.log"), Path(directory, "site")
        make_log(log, asked.megabytes * MEGABYTE)
        command = [sys.executable, "-m", "benchmarks.log_view", "--take", str(log), str(tree)]
        subprocess.run(command, check=True, cwd=ROOT)
        # What the kernel still has to write isn't the reader's.
        os.sync()
        from browser.log_site import PAGE

        from mtsite.logs.blocks import BlockedText

        text = BlockedText(next(tree.glob("_blobs/??/*.logz")))
        with bucket(tree) as address:
            look(asked.chromium, address + PAGE, text.lines, text.size)


if __name__ == "__main__":
    main()
