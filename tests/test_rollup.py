"""Verdicts and roll-up against the tables of Megatest's reference (docs/model.md)."""

import itertools

import pytest

from mtsite import rollup
from mtsite.model import Finding, LogRecord, Run, RunKey, State, Status, Step, Test
from mtsite.rollup import Verdict

DAY = 86400


def row(name: str, state: str, status: str, *, toplevel: bool = False, **values: object) -> Test:
    testname, _, item_path = name.partition("/")
    columns: dict[str, object] = {
        **dict.fromkeys(("host", "uname", "rundir", "shortdir", "final_logf", "comment"), ""),
        **dict.fromkeys(("cpuload", "diskfree", "attemptnum")),
        "run_duration": 10,
        "event_time": 1000,
        "archived": 0,
        "toplevel": toplevel,
        **values,
    }
    return Test(testname, item_path, State(state), Status(status), **columns)


def run_of(*tests: Test) -> Run:
    key = RunKey("a", ("t",), "r")
    return Run(key, ("k",), State("new"), Status("n/a"), "o", "", "", 1000, tests)


@pytest.mark.parametrize("state", ["COMPLETED", "ARCHIVED"])
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("PASS", Verdict.PASS),
        ("SKIP", Verdict.SKIP),
        ("WARN", Verdict.WARN),
        ("WAIVED", Verdict.WAIVED),
        ("CHECK", Verdict.CHECK),
        ("STUCK/DEAD", Verdict.DEAD),
        ("DEAD", Verdict.DEAD),
        ("FAIL", Verdict.FAIL),
        ("PREQ_FAIL", Verdict.BLOCKED),
        ("PREQ_DISCARDED", Verdict.BLOCKED),
        ("ABORT", Verdict.ABORT),
        ("n/a", Verdict.NOT_RUN),
        ("AUTO", Verdict.NOT_RUN),
        ("LOCKED", Verdict.NOT_RUN),
        ("KILLED", Verdict.KILLED),
        ("TEN_STRIKES", Verdict.BLOCKED),
        ("pass", Verdict.FAIL),
        ("BANANA", Verdict.FAIL),
    ],
)
def test_an_ended_test_has_the_verdict_of_its_status(
    state: str, status: str, verdict: Verdict
) -> None:
    assert rollup.verdict_of(state, status) is verdict


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        *[(state, Verdict.RUNNING) for state in ("LAUNCHED", "REMOTEHOSTSTART", "RUNNING")],
        *[(state, Verdict.RUNNING) for state in ("STARTED", "KILLREQ", "REMOVING", "CLEANING")],
        ("ARCHIVE_REMOVING", Verdict.RUNNING),
        *[(state, Verdict.KILLED) for state in ("KILLED", "INCOMPLETE", "STUCK", "UNKNOWN")],
        ("FAILEDKILL", Verdict.KILLED),
        ("DEAD", Verdict.DEAD),
        ("NOT_STARTED", Verdict.NOT_RUN),
        ("BLOCKED", Verdict.NOT_RUN),
        ("", Verdict.NOT_RUN),
        ("BANANA", Verdict.KILLED),
    ],
)
def test_the_state_decides_until_a_test_has_ended(state: str, verdict: Verdict) -> None:
    assert rollup.verdict_of(state, "n/a") is verdict
    assert rollup.verdict_of(state, "PASS") is verdict


@pytest.mark.parametrize("status", ["n/a", "na", "PASS", "FAIL", "WARN", "CHECK", "WAIVED", "DEAD"])
def test_not_started_with_an_ordinary_status_has_not_run(status: str) -> None:
    assert rollup.verdict_of("NOT_STARTED", status) is Verdict.NOT_RUN


@pytest.mark.parametrize("status", ["PREQ_FAIL", "PREQ_DISCARDED", "ZERO_ITEMS", "TEN_STRIKES"])
def test_not_started_with_another_status_will_not_start(status: str) -> None:
    assert rollup.verdict_of("NOT_STARTED", status) is Verdict.BLOCKED


def test_verdicts_rank_as_the_statuses_do() -> None:
    order = "n/a PASS SKIP WARN WAIVED CHECK DEAD FAIL PREQ_FAIL ABORT".split()
    ranks = [rollup.RANK[rollup.verdict_of("COMPLETED", status)] for status in order]
    assert ranks == sorted(set(ranks))


def test_killed_counts_at_least_as_failed() -> None:
    assert rollup.RANK[Verdict.KILLED] >= rollup.RANK[Verdict.FAIL]
    assert Verdict.KILLED in rollup.BAD


def test_every_verdict_is_ranked_and_no_verdict_is_good_and_bad() -> None:
    assert set(rollup.RANK) == set(Verdict)
    assert set(Verdict) - rollup.GOOD - rollup.BAD == {Verdict.RUNNING, Verdict.NOT_RUN}
    assert not rollup.GOOD & rollup.BAD


@pytest.mark.parametrize(("silent_for", "verdict"), [(7, Verdict.RUNNING), (8, Verdict.DEAD)])
def test_a_row_that_claims_to_run_is_dead_after_a_long_silence(
    silent_for: int, verdict: Verdict
) -> None:
    run = run_of(row("t", "RUNNING", "n/a"))
    assert rollup.test_verdicts(run, 1000 + silent_for * DAY, 7 * DAY) == [verdict]


def test_an_ended_row_is_never_dead() -> None:
    assert not rollup.is_dead(row("t", "COMPLETED", "PASS"), 10**10, DAY)


def test_a_row_without_a_time_is_not_called_dead() -> None:
    assert not rollup.is_dead(row("t", "RUNNING", "n/a", event_time=None), 10**10, DAY)


def test_a_toplevel_row_has_the_worst_verdict_of_its_items() -> None:
    run = run_of(
        row("t", "COMPLETED", "PASS", toplevel=True),
        row("t/a", "COMPLETED", "PASS"),
        row("t/b", "COMPLETED", "FAIL"),
        row("u", "COMPLETED", "ABORT"),
    )
    assert "".join(rollup.test_verdicts(run, 2000, DAY)) == "FPFA"


def test_a_toplevel_row_without_items_keeps_its_own_verdict() -> None:
    run = run_of(row("t", "COMPLETED", "WARN", toplevel=True))
    assert rollup.test_verdicts(run, 2000, DAY) == [Verdict.WARN]


def test_toplevel_rows_are_not_counted() -> None:
    run = run_of(
        row("t", "COMPLETED", "FAIL", toplevel=True),
        row("t/a", "COMPLETED", "FAIL"),
        row("u", "COMPLETED", "PASS"),
    )
    counts = rollup.count(run, rollup.test_verdicts(run, 2000, DAY))
    assert list(counts.items()) == [("P", 1), ("F", 1)]


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({}, Verdict.NOT_RUN),
        ({"N": 3}, Verdict.NOT_RUN),
        ({"N": 3, "P": 1}, Verdict.PASS),
        ({"P": 9, "C": 1}, Verdict.CHECK),
        ({"P": 9, "R": 1}, Verdict.RUNNING),
        ({"P": 9, "R": 1, "F": 1}, Verdict.FAIL),
        ({"P": 9, "F": 0}, Verdict.PASS),
        ({"F": 1, "A": 1}, Verdict.ABORT),
    ],
)
def test_a_run_has_the_worst_verdict_that_occurs(counts: dict[str, int], verdict: Verdict) -> None:
    assert rollup.run_verdict(counts) is verdict


def test_counts_add_up_in_rank_order() -> None:
    total = rollup.add_counts([{"F": 1, "P": 2}, {"P": 1}, {}])
    assert list(total.items()) == [("P", 3), ("F", 1)]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        # 1: anything of the running set
        (["COMPLETED/PASS", "RUNNING/n/a"], "RUNNING/PASS"),
        (["NOT_STARTED/PREQ_FAIL", "LAUNCHED/n/a"], "RUNNING/PREQ_FAIL"),
        (["STARTED/n/a", "KILLED/KILLED"], "RUNNING/n/a"),
        # 2: a failed prerequisite
        (["COMPLETED/PASS", "NOT_STARTED/PREQ_FAIL"], "NOT_STARTED/PREQ_FAIL"),
        (["COMPLETED/ABORT", "COMPLETED/PREQ_FAIL"], "NOT_STARTED/PREQ_FAIL"),
        # 3: one that will never start
        (["COMPLETED/PASS", "NOT_STARTED/TEN_STRIKES"], "COMPLETED/STARTED"),
        (["KILLED/KILLED", "NOT_STARTED/ZERO_ITEMS"], "COMPLETED/STARTED"),
        # 4: the highest ranked that is not COMPLETED
        (["COMPLETED/PASS", "KILLED/KILLED"], "KILLED/PASS"),
        (["COMPLETED/FAIL", "NOT_STARTED/n/a"], "NOT_STARTED/STARTED"),
        (["KILLED/KILLED", "KILLREQ/n/a", "STUCK/n/a"], "KILLED/n/a"),
        (["KILLED/KILLED", "NOT_STARTED/n/a"], "NOT_STARTED/STARTED"),
        (["COMPLETED/PASS", "ARCHIVED/FAIL"], "ARCHIVED/FAIL"),
        # 5: otherwise the highest ranked there is
        (["COMPLETED/PASS", "COMPLETED/WARN"], "COMPLETED/WARN"),
        (["COMPLETED/PASS", "DELETED/n/a"], "COMPLETED/PASS"),
        (["COMPLETED/WAIVED", "CLEANING/LOCKED"], "COMPLETED/WAIVED"),
        # statuses outside the table count as best
        (["COMPLETED/BANANA", "COMPLETED/PASS"], "COMPLETED/PASS"),
        (["COMPLETED/AUTO", "COMPLETED/n/a"], "COMPLETED/n/a"),
    ],
)
def test_items_roll_up_by_the_first_rule_that_matches(items: list[str], expected: str) -> None:
    pairs = [(item.partition("/")[0], item.partition("/")[2]) for item in items]
    for ordered in itertools.permutations(pairs):
        assert "/".join(rollup.roll_up_items(ordered)) == expected


STATUS_ORDER = "n/a PASS SKIP WARN WAIVED CHECK STUCK/DEAD DEAD FAIL PREQ_DISCARDED ABORT".split()


@pytest.mark.parametrize(("better", "worse"), list(itertools.combinations(STATUS_ORDER, 2)))
def test_of_two_completed_items_the_worse_status_wins(better: str, worse: str) -> None:
    assert rollup.roll_up_items([("COMPLETED", better), ("COMPLETED", worse)])[1] == worse
    assert rollup.roll_up_items([("COMPLETED", worse), ("COMPLETED", better)])[1] == worse


def test_items_of_unknown_states_roll_up_alike_in_any_order() -> None:
    items = [("INCOMPLETE", "KILLED"), ("ARCHIVED", "PASS"), ("UNKNOWN", "n/a")]
    assert len({rollup.roll_up_items(ordered) for ordered in itertools.permutations(items)}) == 1


def log_of(name: str, kind: str, *levels: str) -> LogRecord:
    findings = tuple(
        Finding("severity", level, line, line, f"{name}:{line}", "")
        for line, level in enumerate(levels, start=1)
    )
    return LogRecord(name, kind, findings=findings)


def step_of(name: str, logfile: str = "") -> Step:
    return Step(name, None, None, Status("1"), None, logfile, "")


@pytest.mark.parametrize(
    ("logs", "spoken"),
    [
        ([], None),
        ([log_of("a.log", "final")], None),
        (
            [log_of("lint.html", "final", "ERROR"), log_of("lint.log", "file", "ERROR")],
            "lint.log:1",
        ),
        ([log_of("lint.html", "final", "ERROR"), log_of("lint.log", "file")], "lint.html:1"),
        ([log_of("a.log", "step", "ERROR"), log_of("z.log", "final", "ERROR")], "z.log:1"),
        ([log_of("a.txt", "file", "ERROR"), log_of("z.log", "step", "ERROR")], "z.log:1"),
        ([log_of("run.log", "step", "ERROR"), log_of("set.log", "step", "ERROR")], "set.log:1"),
        ([log_of("run.log", "step", "ERROR"), log_of("build.log", "step", "ERROR")], "build.log:1"),
        ([log_of("a.log", "final", "WARNING", "CRITICAL", "ERROR")], "a.log:2"),
        ([log_of("a.log", "final", "WARNING"), log_of("b.log", "file", "ERROR")], "b.log:1"),
        ([log_of("a.log", "final", "WARNING"), log_of("b.log", "file", "WARNING")], "a.log:1"),
    ],
)
def test_the_finding_that_speaks_for_a_test(logs: list[LogRecord], spoken: str | None) -> None:
    steps = [step_of("set", "set.log"), step_of("build"), step_of("run", "run.log")]
    first = rollup.first_finding(logs, steps)
    assert (first[1].excerpt if first else None) == spoken
