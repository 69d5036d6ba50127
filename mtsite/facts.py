"""Facts about a run that its rows don't have: from other runs, frozen in its record when it is
sealed, or from the annotations of the site's owner, judged at the run's own time."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unusual:
    """What one log of a test that went wrong has, and the log of the last good run has not.

    `run` is that run, `good` the digest of its log's text. `lines` are (number, text, how many are
    like it), the strangest of `total` kinds first. `note` says what was not compared, or why
    nothing was.
    """

    log: str
    run: str
    good: str = ""
    total: int = 0
    lines: tuple[tuple[int, str, int], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A run against an earlier one of its target: the rows of `comparison.Row` that differ.

    `counts` has all tests by class, the equal ones too. `rows` are (testname, item path, letter
    there, letter here) of the first that are of another class than CLEAN and BOTH-BAD; `values`
    (testname, item path, place in `Test.data`, value there, value here) of those that moved most,
    of `values_total`.
    """

    runname: str
    counts: Mapping[str, int] = field(default_factory=dict)
    rows: tuple[tuple[str, str, str, str], ...] = ()
    values: tuple[tuple[str, str, int, float, float], ...] = ()
    values_total: int = 0


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """An annotation that fits a failure. `until` is its last day, '' for none; `why` is Markdown.

    `over`: the run began after that day, so the test counts as failing again.
    """

    rule: str
    title: str
    link: str
    owner: str
    until: str
    why: str
    over: bool
