"""Data that a page loads from a script beside it: the same from a file as from a server."""

from collections.abc import Iterator
from typing import Any

import pytest
from browser import gallery

from mtsite.build.theme import Theme
from mtsite.pages import notfound
from mtsite.pages.shard import shard_bytes

pytestmark = pytest.mark.browser
HOSTILE = {"n": 1, "text": '</script><b>"\u2028\ud800'}
ASK = "([src, key]) => mtLoad(src, key).then(v => v, e => `refused: ${e.message}`)"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Any]:
    """A page of the strict policy, opened from a file, with shards beside it."""
    root = tmp_path_factory.mktemp("shard")
    theme = Theme()
    for path, content in theme.assets().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    # The page for a missing address has absolute links: any other kind of page would do.
    html = theme.render(notfound.TEMPLATE, notfound.context(gallery.FRAME)).decode()
    (root / "page.html").write_text(html.replace("/_assets/", "_assets/"), "utf-8")
    (root / "good.js").write_bytes(shard_bytes("good", HOSTILE))
    (root / "slow.js").write_bytes(shard_bytes("slow", {"n": 2}))
    (root / "broken.js").write_text('mtShard("broken", "{oh')
    (root / "no_json.js").write_text('mtShard("no_json", "{oh")')
    opened = chromium.new_page()
    opened.goto((root / "page.html").as_uri())
    yield opened
    opened.close()


def test_a_shard_arrives_as_it_was_written(page: Any) -> None:
    found = page.evaluate(ASK, ["good.js", "good"])
    assert found["n"] == 1
    assert found["text"].startswith('</script><b>"\u2028')


def test_a_shard_is_loaded_once_however_often_it_is_asked_for(page: Any) -> None:
    page.evaluate(
        "() => { const ask = () => mtLoad('slow.js', 'slow');"
        " window.first = ask(); window.again = ask(); }"
    )
    assert page.evaluate("() => first === again")
    assert page.evaluate("() => Promise.all([first, again])") == [{"n": 2}, {"n": 2}]


@pytest.mark.parametrize("name", ["missing", "broken", "no_json"])
def test_a_shard_without_data_is_refused_and_may_be_asked_for_again(page: Any, name: str) -> None:
    for _ in range(2):
        assert page.evaluate(ASK, [f"{name}.js", name]).startswith("refused: ")


def test_no_text_of_a_shard_can_end_a_script_element() -> None:
    assert b"<" not in shard_bytes("</script>", HOSTILE)
