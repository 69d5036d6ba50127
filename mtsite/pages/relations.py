"""What the tests of one run hang on: both ends of each edge, and why one never began. Pure."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from mtsite import urls
from mtsite.megatest.waiton import waits_of
from mtsite.model import Run, TestDefinition, TestName
from mtsite.pages import words
from mtsite.pages.beside import TestLink
from mtsite.relations import (
    BY_ITEM,
    DEPENDS,
    HOWEVER,
    ONE_OF,
    Cause,
    Edge,
    Ranked,
    find_causes,
    rank,
    stated_in,
)
from mtsite.rollup import ABSENT, Verdict

WAITON = "requirements.waiton"
_BLOCKED, _NOT_RUN, _RUNNING = (
    verdict.value for verdict in (Verdict.BLOCKED, Verdict.NOT_RUN, Verdict.RUNNING)
)
_NEVER_BEGAN = frozenset({_BLOCKED, _NOT_RUN})
_NOT_ENDED = frozenset({_BLOCKED, _NOT_RUN, _RUNNING})


class Relations:
    """The edges of a run. Nothing is worked out before it is asked for.

    `letters` line up with the tests of the run; `elsewhere` are tests of other runs. An item hangs
    on what its test hangs on as a whole, but where it waits for an item.
    """

    def __init__(
        self,
        run: Run,
        letters: Sequence[str],
        definitions: Mapping[str, TestDefinition],
        elsewhere: Sequence[TestLink] = (),
    ) -> None:
        self.run = run
        self.elsewhere = elsewhere
        self._letters = letters
        self._definitions = definitions

    @cached_property
    def _waits(self) -> tuple[list[Edge], bool]:
        return waits_of(self.run, self._definitions)

    @cached_property
    def edges(self) -> Sequence[Edge]:
        """All of them, those of testconfigs first; each once."""
        return tuple(dict.fromkeys([*self._waits[0], *stated_in(self.run)]))

    @property
    def cut(self) -> bool:
        """Whether there are more edges than are told of."""
        return self._waits[1]

    @cached_property
    def unknown(self) -> Sequence[str]:
        """Tests of which nobody knows what they wait for, as a command would tell it."""
        names = {test.testname for test in self.run.tests}
        return tuple(
            name
            for name, said in sorted(self._definitions.items())
            if name in names and any(what == WAITON for what, _ in said.unknown)
        )

    @cached_property
    def rows(self) -> Mapping[TestName, str]:
        """The letter of each row of the run."""
        return {
            test.name: letter for test, letter in zip(self.run.tests, self._letters, strict=True)
        }

    def link(self, path: str, name: TestName) -> str:
        """The link from a page to that of a test of the run; '' where it has no row."""
        return urls.relative(path, urls.test_page(self.run.key, name)) if name in self.rows else ""

    @cached_property
    def _wholes(self) -> Mapping[str, str]:
        """The worst letter of the items of a test."""
        found: dict[str, str] = {}
        for (name, _), letter in self.rows.items():
            before = found.get(name)
            if before is None or words.rank(letter) > words.rank(before):
                found[name] = letter
        return found

    def letter(self, name: TestName) -> str:
        """How a test went, or all items of one without a row of its own; '.' for one not there."""
        found = self.rows.get(name)
        if found is None:
            found = ABSENT if name[1] else self._wholes.get(name[0], ABSENT)
        return found

    @cached_property
    def _out(self) -> Mapping[TestName, Sequence[Edge]]:
        found: dict[TestName, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge)
        return found

    @cached_property
    def _into(self) -> Mapping[TestName, Sequence[Edge]]:
        found: dict[TestName, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.target, []).append(edge)
        return found

    def out_of(self, name: TestName) -> Sequence[Edge]:
        """What a test hangs on."""
        own = self._out.get(name, ())
        if not name[1]:
            return own
        told = {(edge.target[0], edge.kind) for edge in own if edge.how == BY_ITEM}
        of_test = self._out.get((name[0], ""), ())
        rest = [e for e in of_test if e.how != BY_ITEM or (e.target[0], e.kind) not in told]
        return [*own, *rest] if rest else own

    def into(self, name: TestName) -> Sequence[Edge]:
        """What hangs on a test; of an item, on that item."""
        return self._into.get(name, ())

    @cached_property
    def _elsewhere(self) -> Mapping[TestName, Sequence[TestLink]]:
        found: dict[TestName, list[TestLink]] = {}
        for link in self.elsewhere:
            found.setdefault(link.own, []).append(link)
        return found

    def elsewhere_of(self, name: TestName) -> Sequence[TestLink]:
        """Tests of other runs that a test hangs on, and those that hang on it.

        An item hangs on what its test hangs on as a whole.
        """
        own = self._elsewhere.get(name, ())
        of_test = self._elsewhere.get((name[0], ""), ()) if name[1] else ()
        return [*own, *(link for link in of_test if not link.back)]

    @cached_property
    def _without_items(self) -> frozenset[TestName]:
        """What had nothing to begin with."""
        return frozenset(test.name for test in self.run.tests if test.status == "ZERO_ITEMS")

    @cached_property
    def order(self) -> Ranked:
        """The tests as wholes, by what they wait for."""
        waits: dict[str, set[str]] = {}
        for edge in self.edges:
            if edge.kind == DEPENDS and not edge.source[1]:
                waits.setdefault(edge.source[0], set()).add(edge.target[0])
        return rank({test.testname for test in self.run.tests}, waits)

    # -- why a test never began --------------------------------------------------------------------

    def hinders(self, name: TestName) -> Sequence[TestName]:
        """What keeps, or kept, a test from beginning; () of one that began."""
        if self.letter(name) not in _NEVER_BEGAN or name in self._without_items:
            return ()
        edges = [edge for edge in self.out_of(name) if edge.kind == DEPENDS]
        one_of = [edge.target for edge in edges if edge.how == ONE_OF]
        if any(self.letter(target) in words.GOOD_LETTERS for target in one_of):
            edges = [edge for edge in edges if edge.how != ONE_OF]
        found = [edge.target for edge in edges if self._holds_up(edge)]
        there = [target for target in found if self.letter(target) != ABSENT]
        return tuple(dict.fromkeys(there or found))

    def _holds_up(self, edge: Edge) -> bool:
        letter = self.letter(edge.target)
        if edge.how == HOWEVER:
            return letter in _NOT_ENDED
        return letter not in words.GOOD_LETTERS

    @cached_property
    def _causes(self) -> Mapping[TestName, Cause]:
        never = [name for name, letter in self.rows.items() if letter in _NEVER_BEGAN]
        return find_causes(never, self.hinders)

    def causes(self, name: TestName) -> Sequence[Cause]:
        """What kept a test from beginning, each first cause once, by the shortest way to it.

        () where nothing that is known did, or only a cycle.
        """
        found: dict[TestName, Cause] = {}
        for other in self.hinders(name):
            known = self._causes.get(other)
            if known is None and self.hinders(other):
                continue
            cause = Cause(known.first, other, known.steps + 1) if known else Cause(other, other, 1)
            before = found.get(cause.first)
            if before is None or cause.steps < before.steps:
                found[cause.first] = cause
        return tuple(found.values())

    def between(self, cause: Cause, most: int) -> Sequence[TestName]:
        """What lies between a test and its first cause, nearest to the test first, at most so
        many.
        """
        found: list[TestName] = []
        here = cause.by
        while here != cause.first and len(found) < most:
            found.append(here)
            here = self._causes[here].by
        return found
