"""What ran when on which host, in one run: a track per host, with what went wrong on it. Pure.

The line is where something ran; a gap in it is idle time. What went wrong stands on it as a block.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from mtsite.model import Run, Test
from mtsite.onhosts import ran_on
from mtsite.pages import host, words

WIDTH, HEIGHT = 600, 16
MOST_HOSTS = 30
ROOM = 8_000
"""Bytes for the lines of all hosts; where they take more, they are drawn coarser."""

_BEFORE = 86_400
_AFTER = 30 * 86_400
"""A test that says it ran further from the begin of its run has a clock that can't be trusted."""

Span = tuple[int, int]


class Lane(Struct, frozen=True):
    """One host: its link, what ran and what went wrong as paths, when, and how many tests."""

    host: str
    href: str
    ran: str
    wrong: str
    label: str
    begin: str
    end: str
    tests: str
    bad: str


class Timeline(Struct, frozen=True):
    """All lanes over one span of time; `said` tells it in words, `note` what is left out."""

    lanes: tuple[Lane, ...]
    said: str
    begin: str
    end: str
    note: str
    width: int = WIDTH
    height: int = HEIGHT


class _Host(Struct):
    name: str
    ran: list[Span]
    wrong: list[Span]
    tests: int = 0


def shown(run: Run, letters: Sequence[str], path: str) -> Timeline | None:
    """The lanes of a run's hosts by name; None where hardly anything says when it ran."""
    found: dict[str, _Host] = {}
    strange = 0
    for test, letter in zip(run.tests, letters, strict=True):
        name = ran_on(test, letter)
        span = _span(test)
        if not name or span is None:
            continue
        if not _is_near(run, span):
            strange += 1
            continue
        lane = found.setdefault(name, _Host(name, [], []))
        lane.tests += 1
        (lane.wrong if letter in words.BAD_LETTERS else lane.ran).append(span)
    if sum(lane.tests for lane in found.values()) < 2:
        return None
    spans = [span for lane in found.values() for span in (*lane.ran, *lane.wrong)]
    begin, end = min(a for a, _ in spans), max(b for _, b in spans)
    busiest = sorted(found.values(), key=lambda lane: (-lane.tests, lane.name))[:MOST_HOSTS]
    lanes = sorted(busiest, key=lambda lane: lane.name)
    return Timeline(
        tuple(_drawn(lanes, (begin, end), path)),
        _said(found.values(), end - begin),
        words.when(begin)[1],
        words.when(end)[1],
        _note(len(lanes), len(found), strange),
    )


def _span(test: Test) -> Span | None:
    if not test.event_time or test.state == "NOT_STARTED":
        return None
    return test.event_time, test.event_time + max(test.run_duration or 0, 1)


def _is_near(run: Run, span: Span) -> bool:
    begin = run.event_time or span[0]
    return begin - _BEFORE <= span[0] and span[1] <= begin + _AFTER


def _drawn(lanes: Sequence[_Host], whole: Span, path: str) -> Iterator[Lane]:
    step = 1
    lines = [(_line(lane.ran, whole, step), _line(lane.wrong, whole, step)) for lane in lanes]
    while sum(map(len, (line for pair in lines for line in pair))) > ROOM and step < WIDTH:
        step *= 2
        lines = [(_line(lane.ran, whole, step), _line(lane.wrong, whole, step)) for lane in lanes]
    for lane, (ran, wrong) in zip(lanes, lines, strict=True):
        spans = [*lane.ran, *lane.wrong]
        first, last = min(a for a, _ in spans), max(b for _, b in spans)
        busy = _busy(spans)
        bad = f", {len(lane.wrong)} went wrong" if lane.wrong else ""
        yield Lane(
            lane.name,
            host.link(path, lane.name),
            ran,
            wrong,
            f"{words.plural(lane.tests, 'test')}{bad}, busy for {words.duration(busy)}",
            _clock(first, whole[0]),
            _clock(last, whole[0]),
            words.number(lane.tests),
            words.number(len(lane.wrong)) if lane.wrong else "",
        )


def _line(spans: Sequence[Span], whole: Span, step: int) -> str:
    """The spans as pieces of a line in steps of the view box; those that touch are one."""
    begin, length = whole[0], max(whole[1] - whole[0], 1)
    columns = WIDTH // step
    pieces: list[list[int]] = []
    for first, last in sorted(spans):
        start = min((first - begin) * columns // length, columns - 1)
        stop = max(start + 1, -(-(last - begin) * columns // length))
        if pieces and start <= pieces[-1][1]:
            pieces[-1][1] = max(pieces[-1][1], stop)
        else:
            pieces.append([start, stop])
    return "".join(f"M{a * step} 8H{b * step}" for a, b in pieces)


def _busy(spans: Iterable[Span]) -> int:
    """Seconds in which at least one test ran."""
    total, until = 0, 0
    for first, last in sorted(spans):
        total += max(0, last - max(first, until))
        until = max(until, last)
    return total


def _said(lanes: Iterable[_Host], length: int) -> str:
    """'3 hosts in 4 h 12 m; h2 was busy longest, for 3 h 50 m'."""
    times = sorted((-_busy([*lane.ran, *lane.wrong]), lane.name) for lane in lanes)
    longest, name = times[0]
    if len(times) == 1:
        return f"{name}, busy for {words.duration(-longest)} of {words.duration(length)}"
    hosts = words.plural(len(times), "host")
    busy = words.duration(-longest)
    return f"{hosts} in {words.duration(length)}; {name} was busy longest, for {busy}"


def _clock(time: int, begin: int) -> str:
    """'02:10', with month and day before it where that is not the day of the begin."""
    iso, said = words.when(time)
    same_day = iso[:10] == words.when(begin)[0][:10]
    return (iso[11:16] if same_day else f"{iso[5:10]} {iso[11:16]}") if iso else said


def _note(shown_: int, total: int, strange: int) -> str:
    parts = []
    if shown_ < total:
        parts.append(f"{shown_} of {words.number(total)} hosts, those with most tests.")
    if strange:
        tests = words.plural(strange, "test")
        parts.append(f"{tests} left out: the time is far from that of the run.")
    return " ".join(parts)
