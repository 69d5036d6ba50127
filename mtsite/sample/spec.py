"""The words that a sample team is described in: tests, measurements, targets, events, runs."""

from msgspec import Struct

ALWAYS = (-9.0, 9.0)
"""A span that covers every run, the archived ones too."""


class Measure(Struct, frozen=True):
    """One value that a test measures; `tol` is a number, or one of > < >= <=."""

    category: str
    variable: str
    expected: float | str
    tol: float | str = ""
    units: str = ""


class TestSpec(Struct, frozen=True):
    """One test of a team. `kind` names the sort of log, `seconds` how long it usually takes.

    `only` lists the first key values of targets that have it (empty: all); `waits_for` names tests
    that must not be bad before it may start.
    """

    __test__ = False

    name: str
    kind: str
    seconds: int
    steps: tuple[str, ...]
    items: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    only: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    author: str = ""
    owner: str = ""
    tags: str = ""
    description: str = ""


class Fault(Struct, frozen=True):
    """A way to go wrong: what the rows say, and the lines that the failing log ends in.

    `step` is the index of the step that it stops at. `lines` may use {test} {item} {host} {number}.
    An empty `comment` becomes 'Failed at step …' as Megatest writes it. `measure` names a variable
    that is out of its tolerance; its value is {value} in `lines`.
    """

    state: str
    status: str
    lines: tuple[str, ...] = ()
    step: int = -1
    comment: str = ""
    measure: str = ""


class Event(Struct, frozen=True):
    """What happens to one test, or item, from one part of the history to another.

    `span` are fractions of the history: 0 is its first day, 1 its end; at least one day is covered.
    `item` '%' means all items, `target` '%' all targets, else the first key value. `odds` is how
    often it strikes (a flaky test: under 1). `fault` names a Fault ('' none), `slower` multiplies
    the duration, `quirk` makes something special of the log.
    """

    test: str
    span: tuple[float, float]
    fault: str = ""
    item: str = "%"
    target: str = "%"
    odds: float = 1.0
    slower: float = 1.0
    quirk: str = ""
    comment: str = ""


class TargetSpec(Struct, frozen=True):
    """A target and how often it runs: every so many days, so many hours before the sample's now."""

    values: tuple[str, ...]
    every_days: int
    hours_before: float
    in_flight: bool = False
    leave_out: tuple[str, ...] = ()


class ExtraRun(Struct, frozen=True):
    """A run beside the nightlies. `leftover`: '', 'dead', 'deleted' or 'clean' (no directories)."""

    target: tuple[str, ...]
    runname: str
    age_days: float
    owner: str
    comment: str
    state: str = "new"
    leftover: str = ""
    tests: tuple[str, ...] = ()


class AreaSpec(Struct, frozen=True):
    """A team: its area, its tests, its hosts and its history. `runnames` is 'weeks' or 'dates'.

    On `bad_host` a test fails with `bad_odds` from the middle of the history on.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    targets: tuple[TargetSpec, ...]
    tests: tuple[TestSpec, ...]
    events: tuple[Event, ...]
    extra: tuple[ExtraRun, ...]
    hosts: tuple[str, ...]
    bad_host: str
    bad_odds: float
    owner: str
    runnames: str
    comments: tuple[str, ...]
    intro: str
