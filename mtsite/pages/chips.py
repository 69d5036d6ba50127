"""The chips of a run's page: counts that filter. The text of each is a filter. Pure."""

from collections.abc import Mapping
from urllib.parse import quote

from mtsite.model import RunSummary
from mtsite.pages import words
from mtsite.pages.entry import state_word

Chip = tuple[str, str, str, str, str]
"""(style, word, count, filter, link)."""

_ALWAYS = frozenset("FVWSANP")
"""States that are told of even where no test has them."""

_MARKS = (
    ("flaky", "flaky"),
    ("slow", "slower"),
    ("differs", "sources differ"),
    ("item", "items"),
    ("archived", "archived"),
    ("gone", "gone"),
)


def query_link(text: str, anchor: str) -> str:
    """A link to this page with a filter; without script it leads to the section."""
    return f"?q={quote(text, safe=':!*@')}#{anchor}" if text else f"#{anchor}"


def chips(summary: RunSummary, marks: Mapping[str, int], bad: int) -> tuple[Chip, ...]:
    """All of them, the whole first; `marks` counts the flags of tests."""
    counts = summary.counts
    rows = [
        ("", "all", words.total(counts), "", "everything"),
        ("bad", "went wrong", bad, "s:bad", "failures"),
        ("new", "new", summary.new, "new", "failures"),
        *([("", "known", summary.known, "known", "failures")] if summary.known else ()),
        ("", "still", summary.still, "still", "failures"),
        ("fixed", "fixed", summary.fixed, "fixed", "everything"),
    ]
    for flag, word in _MARKS:
        if marks.get(flag) or flag == "flaky":
            text = flag if flag == "flaky" else f"is:{flag}"
            anchor = "gone" if flag == "gone" else "everything"
            rows.append(("", word, marks.get(flag, 0), text, anchor))
    for letter in words.WORST_FIRST:
        if counts.get(letter) or letter in _ALWAYS:
            anchor = "failures" if letter in words.BAD_LETTERS else "everything"
            number = counts.get(letter, 0)
            rows.append((letter, words.WORDS[letter], number, f"s:{state_word(letter)}", anchor))
    return tuple(
        (style, word, words.number(number), text, query_link(text, anchor))
        for style, word, number, text, anchor in rows
    )
