"""Which tests of a run hang on which: edges, and what follows from them. Pure.

    rank(names, waits)     what can begin first, what after it, …, and who waits for itself
    find_causes(…)         of what never began: the first that kept it from beginning

A graph is told as a mapping: who waits → whom it waits for. It may have cycles; nothing here
calls itself, so a chain of 10,000 tests is no deeper than one of two.
"""

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from mtsite.model import Run, RunKey, TestDatum, TestName

DEPENDS, BUILT, RETRY, DUPLICATE = KINDS = ("depends-on", "built-from", "retry-of", "duplicates")
"""What an edge says; it leads from what depends to what it depends on."""

AS_A_WHOLE, BY_ITEM, HOWEVER, ONE_OF = "", "by item", "however it ends", "one is enough"
"""How a test waits: for all of the other one to go well, item by item, for its end, or for any."""

CATEGORY = "relation"
"""Test data of this category are edges: the variable is the kind, the value the other test."""

MOST_CYCLES = 50
MOST_STATED = 50_000
MOST_ELSEWHERE = 10_000
_ESCAPED = re.compile("%(?:25|2[Ff])")

Waits = Mapping[str, Collection[str]]


class Edge(NamedTuple):
    """`source` hangs on `target`; an item path '' stands for a test as a whole."""

    source: TestName
    target: TestName
    kind: str = DEPENDS
    how: str = AS_A_WHOLE


class Elsewhere(NamedTuple):
    """`source` hangs on a test of another run of its area."""

    source: TestName
    kind: str
    run: RunKey
    target: TestName


class Cause(NamedTuple):
    """What kept a test from beginning: `first` of all, `by` way of what it waits for itself.

    `steps` is 1 where both are one and the same.
    """

    first: TestName
    by: TestName
    steps: int


class Ranked(Struct, frozen=True):
    """Tests by level, each in order of its name: those of one level wait for levels before it.

    A cycle is told from its first name to that name again. `cycles` has one through each test
    that waits for itself, at most 50; `circular` are all those tests.
    """

    levels: tuple[tuple[str, ...], ...]
    cycles: tuple[tuple[str, ...], ...] = ()
    circular: frozenset[str] = frozenset()


def test_label(name: TestName) -> str:
    """'synth' or 'synth/corner=ss': how a test is called in titles."""
    return f"{name[0]}/{name[1]}" if name[1] else name[0]


def stated_in(run: Run) -> list[Edge]:
    """The edges that the test data of a run state, in order of its tests; in this run alone."""
    found: dict[Edge, None] = {}
    there: dict[str, TestName] | None = None
    for name, kind, told in _told_in(run):
        place = place_in(run.key, told)
        if place is not None and place[0] != run.key:
            continue
        if there is None:
            there = {test_label(one.name): one.name for one in run.tests}
        target = place[1] if place is not None else there.get(told, (told, ""))
        found[Edge(name, target, kind)] = None
        if len(found) == MOST_STATED:
            break
    return list(found)


def stated_elsewhere(run: Run) -> list[Elsewhere]:
    """The edges that they state to tests of other runs."""
    found: dict[Elsewhere, None] = {}
    for name, kind, told in _told_in(run):
        place = place_in(run.key, told)
        if place is not None and place[0] != run.key:
            found[Elsewhere(name, kind, *place)] = None
        if len(found) == MOST_ELSEWHERE:
            break
    return list(found)


def _told_in(run: Run) -> Iterator[tuple[TestName, str, str]]:
    for test in run.tests:
        for datum in test.data:
            kind = _kind_of(datum.variable) if datum.category == CATEGORY else ""
            if kind:
                yield test.name, kind, _name_in(datum)


def _name_in(datum: TestDatum) -> str:
    """The column makes numbers of names that look like them."""
    value = datum.value
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def place_of(values: Sequence[str], runname: str, name: TestName) -> str:
    """`//VALUE/…/RUNNAME/TEST/ITEM`: a test of any run of the area; `/` in a name is %2F."""
    parts = [_escaped(part) for part in (*values, runname, name[0])]
    return "//" + "/".join([*parts, *([name[1].replace("%", "%25")] if name[1] else [])])


def place_in(key: RunKey, told: str) -> tuple[RunKey, TestName] | None:
    """What `place_of` wrote for the area of this run; None where it is the name of a test."""
    parts = told[2:].split("/") if told.startswith("//") else []
    runname = len(key.target)
    if len(parts) < runname + 2 or not parts[runname + 1]:
        return None
    *named, test = (_ESCAPED.sub(_plain, part) for part in parts[: runname + 2])
    item = _ESCAPED.sub(_plain, "/".join(parts[runname + 2 :]))
    return RunKey(key.area, tuple(named[:runname]), named[runname]), (test, item)


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F")


def _plain(found: re.Match[str]) -> str:
    return "%" if found[0] == "%25" else "/"


def _kind_of(variable: str) -> str:
    """'depends-on' of that and of 'depends-on[2]': a test has each variable once; '' for none."""
    kind, bracket, _ = variable.partition("[")
    return kind if kind in KINDS and variable.endswith("]") == bool(bracket) else ""


def rank(names: Iterable[str], waits: Waits) -> Ranked:
    """Levels and cycles; what is waited for and is not among the names counts for nothing."""
    known = sorted(set(names))
    there = frozenset(known)
    graph = {name: sorted(there.intersection(waits.get(name, ()))) for name in known}
    level: dict[str, int] = {}
    circular: set[str] = set()
    for group in _components(graph):
        before = [level[other] for name in group for other in graph[name] if other not in group]
        level.update(dict.fromkeys(group, max(before, default=0) + 1))
        if len(group) > 1 or next(iter(group)) in graph[next(iter(group))]:
            circular |= group
    levels: list[list[str]] = [[] for _ in range(max(level.values(), default=0))]
    for name in known:
        levels[level[name] - 1].append(name)
    cycles = tuple(_cycles(sorted(circular), graph))
    return Ranked(tuple(map(tuple, levels)), cycles, frozenset(circular))


def _components(graph: Mapping[str, Sequence[str]]) -> Iterator[frozenset[str]]:
    """Tests that wait for each other, together; what is waited for before who waits (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    is_open: set[str] = set()
    for root in graph:
        if root in number:
            continue
        path: list[tuple[str, Iterator[str]]] = []
        _enter(root, graph, (number, low, open_, is_open, path))
        while path:
            name, others = path[-1]
            other = next(others, None)
            if other is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[name])
                if low[name] == number[name]:
                    yield _close(name, open_, is_open)
            elif other not in number:
                _enter(other, graph, (number, low, open_, is_open, path))
            elif other in is_open:
                low[name] = min(low[name], number[other])


_Walk = tuple[dict[str, int], dict[str, int], list[str], set[str], list[tuple[str, Iterator[str]]]]


def _enter(name: str, graph: Mapping[str, Sequence[str]], walk: _Walk) -> None:
    number, low, open_, is_open, path = walk
    number[name] = low[name] = len(number)
    open_.append(name)
    is_open.add(name)
    path.append((name, iter(graph[name])))


def _close(name: str, open_: list[str], is_open: set[str]) -> frozenset[str]:
    group = [open_.pop()]
    while group[-1] != name:
        group.append(open_.pop())
    is_open.difference_update(group)
    return frozenset(group)


def _cycles(
    circular: Sequence[str], graph: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, ...]]:
    """A shortest cycle through each of these that no cycle before it has."""
    told: set[str] = set()
    count = 0
    for name in circular:
        if name in told:
            continue
        if count == MOST_CYCLES:
            return
        count += 1
        cycle = _shortest(name, graph)
        told.update(cycle)
        yield cycle


def _shortest(name: str, graph: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    came: dict[str, str] = {}
    queue = deque([name])
    while queue:
        here = queue.popleft()
        for other in graph[here]:
            if other == name:
                back = [name, here]
                while back[-1] != name:
                    back.append(came[back[-1]])
                return (*reversed(back),) if here != name else (name, name)
            if other not in came:
                came[other] = here
                queue.append(other)
    raise AssertionError(f"{name} is on no cycle")


def find_causes(
    waiting: Iterable[TestName], hindered_by: Callable[[TestName], Sequence[TestName]]
) -> dict[TestName, Cause]:
    """Of each that waits the nearest that kept it from beginning and that nothing hinders itself.

    Those that hinder each other in a circle, and lead nowhere else, are left out.
    """
    behind, queue = _hindered(waiting, hindered_by)
    found: dict[TestName, Cause] = {}
    reached = set(queue)
    while queue:
        here = queue.popleft()
        known = found.get(here)
        cause = Cause(known.first, here, known.steps + 1) if known else Cause(here, here, 1)
        for name in behind.get(here, ()):
            if name not in reached:
                reached.add(name)
                found[name] = cause
                queue.append(name)
    return found


def _hindered(
    waiting: Iterable[TestName], hindered_by: Callable[[TestName], Sequence[TestName]]
) -> tuple[Mapping[TestName, Sequence[TestName]], deque[TestName]]:
    """Whom each one hinders, and those that nothing hinders."""
    behind: dict[TestName, list[TestName]] = {}
    free: deque[TestName] = deque()
    seen: set[TestName] = set()
    todo = deque(waiting)
    while todo:
        name = todo.popleft()
        if name in seen:
            continue
        seen.add(name)
        before = hindered_by(name)
        if not before:
            free.append(name)
        for other in before:
            behind.setdefault(other, []).append(name)
            todo.append(other)
    return behind, free
