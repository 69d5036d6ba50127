"""Runs of a push as marks that lead to them, and how revisions are called on pages. Pure."""

import re
from collections.abc import Sequence

from mtsite import urls
from mtsite.model import RunKey
from mtsite.pages import words

MOST_MARKS = 40
_HEX = re.compile("[0-9a-f]{13,}")
_LONGEST = 40

Mark = tuple[str, str, str, str]
"""(style, symbol, what it says, link)."""


def short(revision: str) -> str:
    """A revision as people say it: of a digest the first 12 digits."""
    if _HEX.fullmatch(revision):
        return revision[:12]
    return revision if len(revision) <= _LONGEST else f"{revision[:_LONGEST]}…"


def subject(message: str) -> str:
    """The first line of what a commit says."""
    return words.first_line(message.strip().partition("\n")[0])


def marks(path: str, runs: Sequence[tuple[RunKey, str]]) -> tuple[Mark, ...]:
    """The first runs of a push, with their verdict letters; those of one target together."""
    return tuple(_mark(path, *one) for one in runs[:MOST_MARKS])


def _mark(path: str, key: RunKey, letter: str) -> Mark:
    style, symbol, word = words.mark(letter)
    name = "/".join((key.area, *(value or urls.EMPTY_KEY_VALUE for value in key.target)))
    link = urls.relative(path, urls.run_page(key))
    return style, symbol, f"{name}/{key.runname}: {word}", link
