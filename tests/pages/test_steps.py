import pytest

from mtsite.model import Status, Step
from mtsite.pages.steps import shown, step_mark


def step(status: str, logfile: str = "lint.html", end: int | None = 9) -> Step:
    return Step("lint", 1, end, Status(status), 8, logfile, "")


@pytest.mark.parametrize(
    ("status", "logfile", "word"),
    [
        ("0", "lint.html", "pass"),
        ("1", "lint.html", "exit 1"),
        ("2", "lint.html", "exit 2 (WARN)"),
        ("3", "lint.html", "exit 3 (CHECK)"),
        ("4", "lint.html", "exit 4 (WAIVED)"),
        ("5", "lint.html", "exit 5 (ABORT)"),
        ("6", "lint.html", "exit 6 (SKIP)"),
        ("2", "lint.log", "exit 2"),
        ("-9", "lint.html", "exit -9"),
        ("٣", "lint.html", "٣"),
        ("odd", "lint.log", "odd"),
    ],
)
def test_an_exit_code_of_logpro_means_a_status(status: str, logfile: str, word: str) -> None:
    assert step_mark(step(status, logfile))[2] == word


def test_a_step_that_logpro_warns_of_is_not_marked_as_failed() -> None:
    assert step_mark(step("2"))[:2] == step_mark(step("WARN"))[:2]
    assert step_mark(step("2", "lint.log"))[:2] == step_mark(step("FAIL"))[:2]


@pytest.mark.parametrize("status", ["", "-", "n/a", "running"])
@pytest.mark.parametrize(("ended", "word"), [(True, "no end"), (False, "running")])
def test_a_test_that_ended_died_in_the_step_without_an_end(
    status: str, ended: bool, word: str
) -> None:
    begun = Step("sim", 1, None, Status(status), None, "", "")
    (row,) = shown([begun], (), ended=ended)["steps"]  # type: ignore[misc]
    assert row[2] == word
