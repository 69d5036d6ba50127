"""The log viewer where a server gives no ranges, and where what it gives is damaged."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser.log_site import PAGE, served
from browser.log_views import (
    View,
    comes_true,
    site_fixture,
    tree_fixture,
    view_fixture,
)

from mtsite.serve import PreviewServer

pytestmark = pytest.mark.browser
_fixtures = (tree_fixture, view_fixture, site_fixture)


def ignores_range(server: PreviewServer) -> None:
    answer: Any = server.RequestHandlerClass
    server.RequestHandlerClass = type("Deaf", (answer,), {"_asked_span": lambda *_: None})


def strips_range(server: PreviewServer) -> None:
    answer: Any = server.RequestHandlerClass

    def get(self: Any) -> None:
        del self.headers["Range"]
        answer.do_GET(self)

    server.RequestHandlerClass = type("Stripping", (answer,), {"do_GET": get})


def packs_everything(server: PreviewServer) -> None:
    answer: Any = server.RequestHandlerClass

    def begin(self: Any, status: Any, headers: dict[str, str]) -> None:
        packed = {"Content-Encoding": "gzip"} if self.path.endswith(".logz") else {}
        answer._begin(self, status, headers | packed)

    server.RequestHandlerClass = type("Packing", (answer,), {"_begin": begin})


def tells_no_range(server: PreviewServer) -> None:
    answer: Any = server.RequestHandlerClass

    def begin(self: Any, status: Any, headers: dict[str, str]) -> None:
        headers.pop("Content-Range", None)
        answer._begin(self, status, headers)

    server.RequestHandlerClass = type("Curt", (answer,), {"_begin": begin})


def test_an_answer_that_tells_no_range_is_as_long_as_was_asked_for(view: View, tree: Path) -> None:
    with served(tree, tells_no_range) as address:
        page = view.go(f"{address}{PAGE}#L6000")
        page.wait_for_selector("#L6000.chosen")
        assert view.line(6000).endswith("line 6000")
        assert sum(url.endswith(".logz") for url in view.asked) == 1


@pytest.mark.parametrize("spoil", [ignores_range, strips_range, packs_everything])
def test_a_server_that_gives_no_ranges_is_told_and_the_parts_are_left(
    view: View, tree: Path, spoil: Callable[[PreviewServer], None]
) -> None:
    with served(tree, spoil) as address:
        page = view.go(f"{address}{PAGE}#L6000")
        assert comes_true(lambda: "see the pages of its parts, or the raw log" in view.told())
        page.locator(".log-gap a").first.click()
        page.wait_for_selector("#L21:target, #L21.chosen")
        assert "/_part/" in page.url


def copied(tree: Path, tmp_path: Path) -> tuple[Path, Path]:
    other = tmp_path / "site"
    shutil.copytree(tree, other)
    return other, next(other.glob("_blobs/??/*.logz"))


def test_a_member_that_does_not_inflate_is_told(view: View, tree: Path, tmp_path: Path) -> None:
    other, blob = copied(tree, tmp_path)
    raw = bytearray(blob.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    blob.write_bytes(raw)
    with served(other) as address:
        page = view.go(site_page := address + PAGE)
        page.fill("input[type=search]", "line 119")
        page.keyboard.press("Enter")
        assert comes_true(lambda: "1 part could not be read" in view.told())
        assert "lines found" in view.told()
        view.go(f"{site_page}?view=full")
        page.wait_for_selector("#L40")


def test_an_index_of_another_log_is_told(view: View, tree: Path, tmp_path: Path) -> None:
    other, blob = copied(tree, tmp_path)
    blob.write_bytes(blob.read_bytes() + b"more")
    with served(other) as address:
        view.go(f"{address}{PAGE}#L6000")
        assert comes_true(lambda: "the index of this log is that of another" in view.told())


@pytest.mark.parametrize(
    ("true", "false"),
    [('"n\\":\\"', '"n\\":\\"1'), ('"p\\":\\"', '"p\\":\\"zzzzzz,'), ('"bytes\\":', '"bytes\\":1')],
)
def test_an_index_with_wrong_numbers_is_told(
    view: View, tree: Path, tmp_path: Path, true: str, false: str
) -> None:
    other, _ = copied(tree, tmp_path)
    index = next(other.rglob("_part/*/*.js"))
    text = index.read_text()
    assert true in text
    index.write_text(text.replace(true, false))
    with served(other) as address:
        view.go(f"{address}{PAGE}#L6000")
        assert comes_true(lambda: "the index of this log is that of another" in view.told())


def test_a_member_that_unpacks_to_far_too_much_is_left(view: View, tree: Path) -> None:
    page = view.go((tree / PAGE).as_uri())
    bomb = gzip.compress(bytes(50_000_000))
    told = page.evaluate(
        """async (bytes) => {
          try { return (await mtLog.inflate(new Uint8Array(bytes))).length; }
          catch (error) { return error.message; }
        }""",
        list(bomb),
    )
    assert told == "a part of this log unpacks to far too much"


def test_a_missing_index_is_told(view: View, tree: Path, tmp_path: Path) -> None:
    other, _ = copied(tree, tmp_path)
    next(other.rglob("_part/*/*.js")).unlink()
    with served(other) as address:
        view.go(f"{address}{PAGE}#L6000")
        assert comes_true(lambda: "the index of this log can't be read" in view.told())
