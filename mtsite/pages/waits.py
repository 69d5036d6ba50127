"""What the page of a test says of the tests that it hangs on, and of those that hang on it. Pure.

What went wrong stands first and open; of long lists the rest is folded, by how it went.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from mtsite import urls
from mtsite.model import RunKey, TestName
from mtsite.pages import words
from mtsite.pages.beside import TestLink
from mtsite.pages.relations import Relations
from mtsite.pages.weight import weight, within
from mtsite.relations import BUILT, DEPENDS, DUPLICATE, RETRY, Cause, Edge, test_label
from mtsite.rollup import ABSENT

ROOM = 60_000
"""Bytes for all lists of one page."""

OPEN = 12
"""A list of so many is shown as it is; of a longer one the good are folded."""

MOST_CAUSES = 3
LONGEST_WAY = 3

Row = tuple[str, str, str, str, str, str]
"""(style, symbol, word, test, link, how it waits)."""

Piece = tuple[str, str]
"""(text, link or '')."""

TITLES = {
    DEPENDS: ("Waits for", "Waited for by"),
    BUILT: ("Built from", "Built into"),
    RETRY: ("Retry of", "Retried by"),
    DUPLICATE: ("Duplicate of", "Duplicated by"),
}
_WENT = {
    ABSENT: "is not in this run",
    "B": "did not start",
    "N": "has not run",
    "R": "is still running",
    "F": "failed",
    "K": "was killed",
    "A": "aborted",
    "D": "was found dead",
}


class Fold(Struct, frozen=True):
    """Tests of one state behind a line that opens; `rows` are as many of them as have room."""

    style: str
    symbol: str
    title: str
    rows: tuple[Row, ...]


class Side(Struct, frozen=True):
    """One end of the edges of one kind."""

    title: str
    total: int
    counted: str
    rows: tuple[Row, ...]
    folds: tuple[Fold, ...] = ()
    shown: int = 0


NOTHING: dict[str, object] = {
    "relations": (),
    "because": (),
    "waiting_for_all": 0,
    "whole_href": "",
    "relations_href": "",
}


def shown(relations: Relations, name: TestName, path: str) -> dict[str, object]:
    """The lists of a test's page, and above all why it never began."""
    elsewhere = relations.elsewhere_of(name)
    if not relations.edges and not elsewhere:
        return NOTHING
    out, into = relations.out_of(name), relations.into(name)
    sides: list[Side] = []
    room = ROOM
    for kind, titles in TITLES.items():
        for title, edges, of_source in ((titles[0], out, False), (titles[1], into, True)):
            chosen = [edge for edge in edges if edge.kind == kind]
            others = [one for one in elsewhere if (one.kind, one.back) == (kind, of_source)]
            if chosen or others:
                lines = _lines(relations, chosen, path, of_source=of_source)
                lines += _lines_elsewhere(relations, others, path)
                side, room = _side(title, [row for _, _, row in sorted(lines)], room)
                sides.append(side)
    whole = (name[0], "")
    of_whole = len(relations.into(whole)) if name[1] else 0
    file = urls.relative(path, urls.relations_file(relations.run.key))
    return {
        "relations": tuple(sides),
        "because": because(relations, name, path),
        "waiting_for_all": of_whole,
        "whole_href": relations.link(path, whole) if of_whole else "",
        "relations_href": file if sides else "",
    }


Line = tuple[int, str, Row]
"""In this order: what went wrong first, then what is not there, or has not ended."""


def _lines(
    relations: Relations, edges: Sequence[Edge], path: str, *, of_source: bool
) -> list[Line]:
    found = []
    for edge in edges:
        other = edge.source if of_source else edge.target
        letter = relations.letter(other)
        label = test_label(other)
        row = (*words.mark(letter), label, relations.link(path, other), edge.how)
        found.append((_order(letter), label, row))
    return found


def _lines_elsewhere(relations: Relations, links: Sequence[TestLink], path: str) -> list[Line]:
    found = []
    for one in links:
        label = f"{test_label(one.other)} ({_where(relations.run.key, one.run)})"
        href = urls.relative(path, one.page) if one.page else ""
        found.append((_order(one.letter), label, (*words.mark(one.letter), label, href, "")))
    return found


def _where(here: RunKey, there: RunKey) -> str:
    """What tells a run from the one of the page: values of its target, its name."""
    pairs = zip((*here.target, here.runname), (*there.target, there.runname), strict=False)
    return " ".join(other for own, other in pairs if own != other)


def _order(letter: str) -> int:
    if letter in words.BAD_LETTERS:
        return -words.rank(letter)
    return (ABSENT, "N", "R").index(letter) if letter in (ABSENT, "N", "R") else 3


def _side(title: str, rows: Sequence[Row], room: int) -> tuple[Side, int]:
    """A list, and the room that it leaves."""
    counts = Counter(row[0] for row in rows)
    counted = words.counted(counts) + _not_there(counts["x"], alone=len(counts) == 1)
    is_long = len(rows) > OPEN
    good = words.GOOD_LETTERS if is_long else frozenset()
    wanted = [row for row in rows if row[0] not in good]
    first = within(wanted, (150 + weight(*row) for row in wanted), room)
    room -= sum(150 + weight(*row) for row in first)
    folds = []
    for letter in good and words.WORST_FIRST:
        same = [row for row in rows if row[0] == letter and letter in good]
        if same:
            kept = within(same, (70 + weight(*row[3:]) for row in same), room)
            room -= sum(70 + weight(*row[3:]) for row in kept)
            told = f"{words.number(len(same))} {words.COUNTED[letter]}"
            folds.append(Fold(*words.mark(letter)[:2], told, kept))
    seen = len(first) + sum(len(fold.rows) for fold in folds)
    return Side(title, len(rows), counted, first, tuple(folds), seen), max(room, 0)


def _not_there(count: int, *, alone: bool) -> str:
    return f"{'' if alone else ', '}{words.number(count)} not in this run" if count else ""


# -- the cause ------------------------------------------------------------------------------------


def because(relations: Relations, name: TestName, path: str) -> tuple[Piece, ...]:
    """'`build` failed, so `link` did not start, so this test did not start.'; () for no cause."""
    causes = relations.causes(name)
    if not causes:
        return _in_a_circle(relations, name, path)
    pieces: list[Piece] = []
    for number, cause in enumerate(causes[:MOST_CAUSES]):
        pieces += [("; ", "")] if number else []
        pieces += _told(relations, cause, path)
    if len(causes) > MOST_CAUSES:
        more = words.plural(len(causes) - MOST_CAUSES, "more test", "more tests")
        pieces.append((f"; {more} that it waits for did not go well", ""))
    waits = relations.letter(name) == "N"
    pieces.append((": this test waits for that." if waits else ", so this test did not start.", ""))
    return tuple(pieces)


def _told(relations: Relations, cause: Cause, path: str) -> Iterator[Piece]:
    letter = relations.letter(cause.first)
    yield test_label(cause.first), relations.link(path, cause.first)
    yield f" {_WENT.get(letter, 'did not go well')}", ""
    between = relations.between(cause, LONGEST_WAY)
    left_out = cause.steps - 1 - len(between)
    if left_out:
        yield f", so {words.plural(left_out, 'test')} did not start", ""
    for other in reversed(between):
        yield ", so ", ""
        yield test_label(other), relations.link(path, other)
        yield " did not start", ""


def _in_a_circle(relations: Relations, name: TestName, path: str) -> tuple[Piece, ...]:
    if not relations.hinders(name):
        return ()
    ranked = relations.order
    cycle = next((one for one in ranked.cycles if name[0] in one), None)
    if cycle is None:
        return (("What it waits for waits for itself: none of it could start.", ""),)
    pieces: list[Piece] = [("It waits for itself, so it could not start: ", "")]
    for number, other in enumerate(cycle):
        pieces += [(" → ", "")] if number else []
        pieces.append((other, relations.link(path, (other, ""))))
    return (*pieces, (".", ""))


def cause_words(relations: Relations, name: TestName) -> str:
    """'build failed' for a test that never began, '' where no cause is known."""
    causes = relations.causes(name)
    if not causes:
        return "it waits for itself" if relations.hinders(name) else ""
    first = causes[0].first
    went = _WENT.get(relations.letter(first), "did not go well")
    more = f", and {words.number(len(causes) - 1)} more" if len(causes) > 1 else ""
    return f"{test_label(first)} {went}{more}"
