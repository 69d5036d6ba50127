"""What the scripts make of data reads as the pages do, and text stays text."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsite.build.theme import product_dir
from mtsite.pages import words

pytestmark = pytest.mark.browser
SCRIPT = product_dir("static") / "js" / "element.js"


@pytest.fixture(scope="module")
def page(chromium: Any) -> Any:
    opened = chromium.new_page()
    opened.add_script_tag(path=str(SCRIPT))
    return opened


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-100_000, 10_000_000) | st.floats(0, 200_000), max_size=30))
def test_seconds_are_told_in_the_words_of_the_pages(page: Any, seconds: list[float]) -> None:
    told = page.evaluate("(all) => all.map(mtTook)", seconds)
    assert told == [words.duration(each) for each in seconds]


def test_markup_in_a_text_is_text(page: Any) -> None:
    made = page.evaluate("mtElement('td', '<b onclick=x>&amp;', document.body, 'name').outerHTML")
    assert made == '<td class="name">&lt;b onclick=x&gt;&amp;amp;</td>'
