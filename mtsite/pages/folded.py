"""What did not go wrong in a run, folded: by verdict, then by prefix, items rolled up. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mtsite.pages import words
from mtsite.pages.entry import Entry
from mtsite.pages.weight import weight

_ORDER = tuple(letter for letter in words.WORST_FIRST if letter not in words.BAD_LETTERS)
_GROUP_LEAST = 3
LEAST_BYTES = 80
"""No test takes less."""

_ROW_BYTES = 75
_ITEM_BYTES = 75
_MARK_BYTES = 9


class Row(Struct, frozen=True):
    """A test, or an iterated test with those of its items that went this way."""

    testname: str
    href: str
    said: str
    entries: tuple[Entry, ...]

    @property
    def items(self) -> bool:
        """Whether it stands for items."""
        return bool(self.entries[0].item_path)

    @property
    def weight(self) -> int:
        """Its bytes in HTML."""
        own = _ROW_BYTES + weight(self.testname, self.href, self.said)
        if not self.items:
            return own + _marks(self.entries[0])
        each = _ITEM_BYTES + weight(self.testname)
        return own + sum(each + weight(e.item_path, e.href) + _marks(e) for e in self.entries)


def _marks(e: Entry) -> int:
    """Bytes of what its filter knows of a test."""
    return sum(_MARK_BYTES + weight(text) for text in (e.host, e.tags, e.flags, e.change) if text)


class Group(Struct, frozen=True):
    """Rows whose names begin alike; `prefix` is '' for those that have no group."""

    prefix: str
    rows: tuple[Row, ...]

    @property
    def count(self) -> str:
        """How many tests that is, in words."""
        return words.plural(sum(len(row.entries) for row in self.rows), "test")


class Section(Struct, frozen=True):
    """All tests of one verdict."""

    letter: str
    groups: tuple[Group, ...]
    total: int

    @property
    def title(self) -> str:
        """'4 298 tests passed'."""
        counted = words.COUNTED.get(self.letter, words.mark(self.letter)[2])
        return f"{words.plural(self.total, 'test')} {counted}"

    @property
    def weight(self) -> int:
        """Bytes of all its rows."""
        return sum(row.weight for group in self.groups for row in group.rows)

    @property
    def folding(self) -> str:
        """'in 31 groups', '' for one."""
        return f"in {words.plural(len(self.groups), 'group')}" if len(self.groups) > 1 else ""


def sections(good: Sequence[Entry], toplevels: Mapping[str, str]) -> tuple[Section, ...]:
    """One per verdict, worst first. `toplevels`: testname → link of the row that sums items up."""
    by_letter: dict[str, list[Entry]] = {}
    for one in good:
        by_letter.setdefault(one.letter, []).append(one)
    return tuple(
        Section(letter, _groups(by_letter[letter], toplevels), len(by_letter[letter]))
        for letter in sorted(by_letter, key=_place)
    )


def _place(letter: str) -> int:
    return _ORDER.index(letter) if letter in _ORDER else -1


def _groups(found: Sequence[Entry], toplevels: Mapping[str, str]) -> tuple[Group, ...]:
    named: dict[str, list[Entry]] = {}
    for one in found:
        named.setdefault(one.testname, []).append(one)
    by_prefix: dict[str, list[Row]] = {}
    for testname, same in named.items():
        row = _row(testname, same, toplevels)
        by_prefix.setdefault(words.prefix(testname), []).append(row)
    large = [Group(p, tuple(rows)) for p, rows in by_prefix.items() if len(rows) >= _GROUP_LEAST]
    lone = [row for rows in by_prefix.values() if len(rows) < _GROUP_LEAST for row in rows]
    return (*large, Group("", tuple(lone))) if lone else tuple(large)


def _row(testname: str, same: Sequence[Entry], toplevels: Mapping[str, str]) -> Row:
    first = same[0]
    if not first.item_path and len(same) == 1:
        return Row(testname, first.href, first.took, (first,))
    said = words.plural(len(same), "item")
    return Row(testname, toplevels.get(testname, ""), said, tuple(same))
