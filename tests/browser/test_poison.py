"""What a log may say to get something run or loaded: in Chromium nothing of it does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.log_site import PAGE, served, write_log_site

pytestmark = pytest.mark.browser
CORPUS = Path(__file__).parents[1] / "data/poison/vectors.txt"
_ESCAPE = re.compile(rb"\\(?:([nrt\\])|x([0-9a-f]{2})|u([0-9a-f]{4}))")
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\\": b"\\"}
ALLOWED = {"DIV", "A", "SPAN", "P", "BUTTON", "DETAILS", "SUMMARY", "EM"}


def _plain(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return _NAMED[found[1]]
    return bytes((int(found[2], 16),)) if found[2] else chr(int(found[3], 16)).encode()


def vectors() -> list[tuple[bool, bytes]]:
    """Of each line of the corpus: whether a whole file begins so, and what stands in the log."""
    lines = CORPUS.read_bytes().splitlines()
    return [
        (line.startswith(b"file "), _ESCAPE.sub(_plain, line.removeprefix(b"file ")))
        for line in lines
    ]


class Watched:
    """A page in which nothing may run, and that may ask nobody but the site."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_context().new_page()
        self.trouble: list[str] = []
        self.page.on("dialog", self._on_dialog)
        self.page.on("request", self._on_request)
        self.page.on("popup", lambda page: self.trouble.append(f"popup {page.url}"))
        self.page.on("pageerror", lambda error: self.trouble.append(f"error {error}"))

    def _on_dialog(self, dialog: Any) -> None:
        self.trouble.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _on_request(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "file:", "about:")):
            self.trouble.append(f"request {request.url}")


@pytest.fixture
def watched(chromium: Any) -> Iterator[Watched]:
    made = Watched(chromium)
    yield made
    made.page.context.close()


def strangers(page: Any) -> list[str]:
    """Elements and attributes among the lines that no line may have."""
    found: list[str] = page.evaluate(
        """(allowed) => [...document.querySelectorAll(".log-lines *")].flatMap((element) => [
          !allowed.includes(element.tagName) && element.tagName,
          ...element.getAttributeNames().filter((name) => /^on|^style$/.test(name)),
          element.tagName === "A" && !OWN.test(element.getAttribute("href")) && element.href,
        ]).filter(Boolean)""".replace("OWN", "/^(#|_part|[.][.]|[0-9]{4}[.]html)/"),
        sorted(ALLOWED),
    )
    return found


def test_the_corpus_is_large_and_has_no_vector_twice() -> None:
    found = vectors()
    assert len(found) == len(set(found)) > 250
    assert sum(whole for whole, _ in found) > 30


@pytest.mark.parametrize("prefix", [b"", b"2026-11-01 02:03:04 ERROR "])
def test_on_the_page_of_a_log_all_of_it_is_text(
    watched: Watched, tmp_path: Path, prefix: bytes
) -> None:
    filler = b"nothing\n" * 3000
    text = b"\n".join(prefix + vector for _, vector in vectors())
    (tmp_path / "sim.log").write_bytes(text + b"\n" + filler + text)
    entry = write_log_site(tmp_path / "site", tmp_path / "sim.log")
    with served(tmp_path / "site") as address:
        page = watched.page
        page.goto(f"{address}{PAGE}")
        for n in (30, 150, 250, entry.lines - 60, entry.lines - 150, entry.lines - 250):
            # What the build wrote, and what the script adds.
            page.evaluate(f"location.hash = 'L{n}'")
            page.wait_for_selector(f"#L{n}.chosen")
        assert page.locator(".log-lines div[id]").count() > 300
        assert strangers(page) == []
        assert page.evaluate("document.querySelectorAll('[id=L1]').length") == 1
        page.goto(f"{address}{PAGE.replace('sim.log.html', '_part/sim.log/0001.html')}")
        assert strangers(page) == []
        page.wait_for_timeout(100)
    assert watched.trouble == []


def test_opened_directly_every_vector_is_text(watched: Watched, tmp_path: Path) -> None:
    files = [vector for whole, vector in vectors() if whole]
    files.append(b"\n".join(vector for whole, vector in vectors() if not whole))
    store = tmp_path / "_blobs/ab"
    store.mkdir(parents=True)
    page = watched.page
    with served(tmp_path) as address:
        for number, content in enumerate(files):
            for ending in ("txt", "log"):
                (store / f"{number}.{ending}").write_bytes(content + b"\n")
            for url in (
                f"{address}_blobs/ab/{number}.log",
                (store / f"{number}.txt").as_uri(),
            ):
                page.goto(url)
                shown = page.evaluate(
                    "[...document.body.querySelectorAll('*')].map(e => e.tagName)"
                )
                assert shown == ["PRE"], (url, content)
    assert watched.trouble == []
