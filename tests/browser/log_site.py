"""The pages of one log and what lies beside them, in a tree that a browser can open."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mtsite import urls
from mtsite.build import digest, logpages
from mtsite.build.pen import Look, Pen
from mtsite.build.theme import Theme
from mtsite.logs.redact import make_redactor
from mtsite.logs.take import Taker
from mtsite.model import LogRecord, RunKey, RunRecord, TestRecord
from mtsite.pages import gone, log, part
from mtsite.pages.page import SiteFrame
from mtsite.publish.headers import headers_for
from mtsite.rollup import Verdict
from mtsite.serve import PreviewServer, open_server

KEY = RunKey("area", ("ubuntu", "nfs"), "w1")
PAGE = urls.log_page(KEY, ("big", ""), "sim.log")


def write_log_site(
    tree: Path, source: Path, *, small_bytes: int = 10_000, block_bytes: int = 1 << 14
) -> LogRecord:
    """Take a log as a build does, write its pages and the assets; what is known of it."""
    redactor = make_redactor(["default"])
    taker = Taker(tree, redactor, 1 << 40, small_bytes=small_bytes, block_bytes=block_bytes)
    entry = taker.take("sim.log", source, "final")
    one = TestRecord("big", "", "F", False, (entry,))
    kept = RunRecord(KEY, ("os", "fs"), {("big", ""): one}, None)
    recipes = {kind.TEMPLATE: "" for kind in (log, part, gone)}
    look = Look((), tree.parent / "templates", SiteFrame("Nightly"), recipes)
    pen = Pen(tree, look, "", {})
    logpages.log_pages(pen, kept, one, Verdict.FAIL, [digest.log_values(entry)])
    for path, content in Theme().assets().items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    return entry


def write_example(tree: Path) -> None:
    """A log that is stored in members, with the pages of its parts."""
    lines = (f"{n // 60:02d}:{n % 60:02d}:00 lane {n % 7} idle" for n in range(1, 12_000))
    source = tree / "sim.log"
    source.write_text("".join(f"{line}\n" for line in lines) + "UVM_ERROR @ 5 ns: lost [SB]\n")
    write_log_site(tree, source)
    source.unlink()


@contextmanager
def served(tree: Path, change: Callable[[PreviewServer], None] = lambda _: None) -> Iterator[str]:
    """The address of a preview of the tree; `change` may spoil the server first."""
    server = open_server(tree, 0, lambda path: headers_for(path).content_type)
    change(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
