"""Facts about a run that its rows don't have: from other runs, frozen in its record when it is
sealed, or from the annotations of the site's owner, judged at the run's own time."""

from collections.abc import Mapping

from msgspec import Struct, field

TestName = tuple[str, str]
"""(testname, item_path): the identity of a test inside its run; item_path is '' for no item."""


class Unusual(Struct, frozen=True):
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


class Compared(Struct, frozen=True):
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


class KnownIssue(Struct, frozen=True):
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


class Suspects(Struct, frozen=True):
    """The pushes after that of the run `good` up to that of the run `bad`: one of them did it.

    `pushes` are (revision, who, what it says) of the last of `total`, newest first.
    """

    good: str
    bad: str
    repository: str
    total: int
    pushes: tuple[tuple[str, str, str], ...]


class TestFacts(Struct, frozen=True):
    """What earlier runs of the target say about one test of this run (design 7: frozen at sealing).

    `strip` has one verdict letter per run, oldest first, '.' where the test was missing; its last
    letter is this run. It lines up with the end of `RunFacts.window`. `change` is new, still,
    fixed or '' against `RunFacts.previous`. `since` is the first run of the present bad stretch,
    `since_runs` how many runs that makes; `capped` says that the look back ended at 100 runs.
    `usual` is the median duration of its earlier good results, `took` those in the runs of `strip`
    (empty where nobody knows any, and in older records), in seconds. `values` has for each of the
    first `Test.data` what it was in the last 20 runs, this one last.
    """

    __test__ = False

    strip: str = ""
    change: str = ""
    flaky: bool = False
    usual: int | None = None
    since: str = ""
    since_runs: int = 0
    capped: bool = False
    last_good: str = ""
    took: tuple[int | None, ...] = ()
    values: tuple[tuple[float | None, ...], ...] = ()

    def turn(self, runname: str) -> tuple[str, str]:
        """The last good run and the first bad one of a test that is bad in this run; '' if none."""
        return self.last_good, runname if self.change == "new" else self.since


class RunFacts(Struct, frozen=True):
    """Cross-run facts of one run over earlier runs of its target only.

    `window` are the runnames (oldest first, this run last, at most 30) that strips show.
    `previous` is the run compared with, `last_good` the newest earlier run without a bad test.
    `fixed` were bad in `previous` and are good now, `vanished` are tests that only `previous` had.
    `compared`: beside `previous`, and beside `last_good` if that is another. `suspects` are the
    pushes between the last good run and the first bad one of tests, where somebody told of them.
    """

    window: tuple[str, ...] = ()
    previous: str = ""
    last_good: str = ""
    tests: Mapping[TestName, TestFacts] = field(default_factory=dict)
    fixed: tuple[TestName, ...] = ()
    vanished: tuple[TestName, ...] = ()
    compared: tuple[Compared, ...] = ()
    suspects: tuple[Suspects, ...] = ()
