"""The order of the tests of a run as its page shows it: levels, cycles, what is missing. Pure.

No drawing: of 500 tests that wait for one, or of one that waits for 500, a graph is a hairball.
Tests of one level that wait for the same stand together, what went wrong among them by name.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.pages import words
from mtsite.pages.relations import Relations
from mtsite.pages.weight import weight, within
from mtsite.relations import DEPENDS

ROOM = 22_000
"""Bytes for the levels of one page."""

SMALL_ROOM = 4_000
"""Bytes for cycles, and for what is missing."""

NAMED = 4
"""So many of the tests that a group waits for are named."""

LINKED = 120
"""In a larger group what went well is named without a link: it has one further down the page."""

_GROUP_BYTES = 320
_AFTER_BYTES = 40
_NAME_BYTES = 140
_PLAIN_BYTES = 30
_LEVEL_BYTES = 120

_IN_CIRCLE = frozenset({"\0"})
"""Stands for what tests wait for that wait for themselves: no name of a test."""

Named = tuple[str, str, str, str, str]
"""(style, symbol, word, test, link)."""


class Group(Struct, frozen=True):
    """Tests of one level that wait for the same: `after` are the first of those.

    `tests` stand open; `rest` are as many of the `rest_total` that went well as there is room for.
    `circle`: they wait for each other. `counted` is '' where they are few.
    """

    after: tuple[tuple[str, str], ...]
    after_more: int
    counted: str
    tests: tuple[Named, ...]
    rest: tuple[Named, ...] = ()
    rest_total: int = 0
    circle: bool = False


class Level(Struct, frozen=True):
    """What can begin when all levels before it have ended; `number` counts from 1."""

    number: int
    total: int
    groups: tuple[Group, ...]
    more: int = 0


def shown(relations: Relations, path: str) -> dict[str, object]:
    """What the page of a run says of the order; nothing of one whose tests wait for nothing."""
    waits = _waits(relations)
    if not waits and not relations.unknown:
        return {"order": None}
    ranked = relations.order
    waited_for = {target for targets in waits.values() for target in targets}
    alone = [n for n in (ranked.levels or ((),))[0] if n not in waits and n not in waited_for]
    levels, told = _levels(relations, path, waits, frozenset(alone))
    missing = sorted(waited_for - {name for level in ranked.levels for name in level})
    circles = [tuple((n, relations.link(path, (n, ""))) for n in c) for c in ranked.cycles]
    weights = (40 + sum(70 + weight(*one) for one in circle) for circle in circles)
    never = sum(bool(relations.causes(t.name)) for t in relations.run.tests if not t.toplevel)
    cycles = within(circles, weights, SMALL_ROOM)
    lacking = _missing(missing, waits)
    return {
        "order": levels,
        "order_words": _words(relations, levels, never),
        "order_cut": told,
        "relations_href": urls.relative(path, urls.relations_file(relations.run.key)),
        "order_alone": len(alone),
        "order_cycles": cycles,
        "order_cycles_more": len(ranked.circular) - len({n for c in cycles for n, _ in c}),
        "order_missing": within(lacking, (90 + weight(*row) for row in lacking), SMALL_ROOM),
        "order_missing_total": len(lacking),
        "order_unknown": relations.unknown[:NAMED],
        "order_unknown_total": len(relations.unknown),
    }


def _waits(relations: Relations) -> Mapping[str, frozenset[str]]:
    """Test → the tests that it waits for, as wholes."""
    found: dict[str, set[str]] = {}
    for edge in relations.edges:
        if edge.kind == DEPENDS and not edge.source[1]:
            found.setdefault(edge.source[0], set()).add(edge.target[0])
    return {name: frozenset(others) for name, others in found.items()}


def _words(relations: Relations, levels: Sequence[Level], never: int) -> str:
    """'3 levels · 499 waits · 2 cycles · 15 tests never began for what they wait for'."""
    edges = sum(e.kind == DEPENDS and not e.source[1] for e in relations.edges)
    ranked = relations.order
    parts = [words.plural(len(levels), "level"), words.plural(edges, "wait")]
    if ranked.cycles:
        parts.append(words.plural(len(ranked.cycles), "cycle"))
    if never:
        parts.append(f"{words.plural(never, 'test')} did not start for what it waits for")
        if never > 1:
            parts[-1] = parts[-1].replace("it waits", "they wait")
    return " · ".join(parts)


def _levels(
    relations: Relations, path: str, waits: Mapping[str, frozenset[str]], alone: frozenset[str]
) -> tuple[tuple[Level, ...], bool]:
    """All levels, each with as many groups as there is room for; whether something is cut.

    Every group has its head, and what went wrong in it, before any has the rest of its names.
    """
    room = ROOM
    circular = relations.order.circular
    levels: list[tuple[int, int, list[Group], int]] = []
    for number, names in enumerate(relations.order.levels, start=1):
        by_waits: dict[frozenset[str], list[str]] = {}
        for name in names:
            if name not in alone:
                same = _IN_CIRCLE if name in circular else waits.get(name, frozenset())
                by_waits.setdefault(same, []).append(name)
        groups = [
            _group(relations, path, sorted(others), same)
            for others, same in sorted(by_waits.items(), key=lambda pair: (-len(pair[1]), pair[1]))
        ]
        heads = within(groups, map(_head_weight, groups), room)
        room -= _LEVEL_BYTES + sum(map(_head_weight, heads))
        total = sum(map(len, by_waits.values()))
        if total:
            levels.append((number, total, list(heads), len(groups) - len(heads)))
    cut = any(more for *_, more in levels)
    made = []
    for number, total, heads_of, more in levels:
        kept = []
        for group in heads_of:
            rest = within(group.rest, map(_name_weight, group.rest), max(room, 0))
            room -= sum(map(_name_weight, rest))
            cut = cut or len(rest) < len(group.rest)
            kept.append(replace(group, rest=rest))
        made.append(Level(number, total, tuple(kept), more))
    return tuple(made), cut


def _head_weight(group: Group) -> int:
    after = sum(_AFTER_BYTES + weight(*one) for one in group.after)
    return _GROUP_BYTES + after + sum(map(_name_weight, group.tests))


def _name_weight(row: Named) -> int:
    return (_NAME_BYTES if row[4] else _PLAIN_BYTES) + weight(*row[3:])


def _group(relations: Relations, path: str, others: Sequence[str], names: Sequence[str]) -> Group:
    circle = list(_IN_CIRCLE) == others
    named = () if circle else others[:NAMED]
    after = tuple((other, relations.link(path, (other, ""))) for other in named)
    letters = {name: relations.letter((name, "")) for name in names}
    few = len(names) <= 2 * NAMED
    first = [name for name in names if few or letters[name] not in words.GOOD_LETTERS]
    rest = [] if few else [name for name in names if letters[name] in words.GOOD_LETTERS]
    linked = len(names) <= LINKED

    def row(name: str, *, link: bool = True) -> Named:
        href = relations.link(path, (name, "")) if link else ""
        return (*words.mark(letters[name]), name, href)

    return Group(
        after,
        0 if circle else len(others) - len(after),
        "" if few else words.counted(Counter(letters.values())),
        tuple(
            map(row, sorted(first, key=lambda name: (letters[name] in words.GOOD_LETTERS, name)))
        ),
        tuple(row(name, link=linked) for name in rest),
        len(rest),
        circle,
    )


def _missing(
    names: Sequence[str], waits: Mapping[str, frozenset[str]]
) -> Sequence[tuple[str, str, str]]:
    """(name that no test of the run has, who waits for it, how many more do)."""
    by_missing: dict[str, list[str]] = {name: [] for name in names}
    for name, others in waits.items():
        for other in others:
            if other in by_missing:
                by_missing[other].append(name)
    return [(name, *_who(by_missing[name])) for name in names]


def _who(names: Sequence[str]) -> tuple[str, str]:
    first = sorted(names)[0]
    more = len(names) - 1
    return first, f" and {words.plural(more, 'more test', 'more tests')}" if more else ""
