"""A long log in Chromium, and the fixtures of the tests that look at it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.log_site import served, write_log_site

LINES = 12_000
NEEDLE = 7_777
LONG = 9_000
WESTERN = 8_000
WIDE = 60_000
NUMBERS = "rows => rows.map(r => +r.id.slice(1))"


def line_of(n: int) -> str:
    stamp = f"2026-11-01 {n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}.123"
    if n == NEEDLE:
        return f"{stamp} INFO the Needle <b>in</b> the \x1b[1;31mhaystack\x1b[m"
    if n == LONG:
        return f"{stamp} INFO " + "wide " * (WIDE // 5) + "end"
    if n == WESTERN:
        return f"{stamp} INFO Größe"
    if n % 3000 == 500:
        return f"{stamp} ERROR: broken at {n}"
    return f"{stamp} {'WARNING' if n % 100 == 0 else 'INFO'} line {n}"


TEXT = "".join(line_of(n) + "\n" for n in range(1, LINES + 1)).encode()
TEXT = TEXT.replace("Größe".encode(), "Größe".encode("latin-1"))


@pytest.fixture(scope="module", name="tree")
def tree_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("log")
    (root / "sim.log").write_bytes(TEXT)
    write_log_site(root / "site", root / "sim.log")
    return root / "site"


class View:
    """A page of the log, with what it asked for and what went wrong."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
        self.trouble: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def go(self, address: str) -> Any:
        # The page of another hash is the same document.
        self.page.goto("about:blank")
        self.page.goto(address)
        return self.page

    def told(self) -> str:
        return str(self.page.inner_text(".log-view output"))

    def line(self, n: int) -> str:
        return str(self.page.inner_text(f"#L{n}"))


def comes_true(true: Callable[[], object], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(name="view")
def view_fixture(chromium: Any) -> Iterator[View]:
    made = View(chromium)
    yield made
    made.page.context.close()
    assert made.trouble == []


@pytest.fixture(scope="module", name="site")
def site_fixture(tree: Path) -> Iterator[str]:
    with served(tree) as address:
        yield address
