"""The pages of jobs: what they say of good nights, bad ones and quiet ones."""

import pytest
from msgspec.structs import replace

from mtsite import urls
from mtsite.jobhistory import DONE, FAILED, KILLED, PARTLY, RUNNING, JobEntry, JobHistory, StepEntry
from mtsite.pages import job
from mtsite.pages.charts import growth
from mtsite.pages.job import JobPulse
from mtsite.pages.page import SiteFrame

FRAME = SiteFrame("Runs")
DAY = 86_400
DID = "3 runs moved, 40 files written, 91.0\u202fkB sent."
ALL_WELL = f"The last nightly did all it had to: {DID}"
NIGHT = JobEntry(
    "nightly",
    1,
    1_700_000_000,
    ended=1_700_000_600,
    exit=0,
    state=DONE,
    steps=(
        StepEntry("reduce", "done", 2, {"moved": 3}),
        StepEntry("build", "done", 5, {"files written": 40}),
        StepEntry("publish", "done", 9, {"requests": 44, "bytes sent": 91_000}),
    ),
    sizes={"site": 5_000, "files": 40, "database a": 900},
)
QUIET = replace(NIGHT, steps=(StepEntry("build", "done", 5, {"files written": 0}),))


def shown(*entries: JobEntry, every: int = DAY) -> dict[str, object]:
    return job.context(FRAME, JobPulse(JobHistory(entries), {"nightly": every}))


def numbered(entry: JobEntry, *numbers: int) -> list[JobEntry]:
    return [replace(entry, number=n, begun=entry.begun + n * DAY) for n in numbers]


@pytest.mark.parametrize(
    ("entry", "lead"),
    [
        (
            NIGHT,
            ALL_WELL,
        ),
        (QUIET, "The last nightly did all it had to: nothing was new."),
        (replace(NIGHT, state=RUNNING, ended=None), "The nightly is running."),
        (
            replace(NIGHT, state=FAILED, told="build: no\nmore"),
            "The last nightly failed: build: no",
        ),
        (replace(NIGHT, state=KILLED), "The last nightly was killed."),
    ],
)
def test_the_lead_says_how_the_last_one_went(entry: JobEntry, lead: str) -> None:
    assert shown(entry)["lead"] == lead


def test_without_a_job_the_page_says_so() -> None:
    page = shown()
    assert (page["lead"], page["letter"], page["jobs"]) == ("No job has run yet.", "N", ())


def test_a_job_that_went_wrong_is_not_hidden_by_a_later_one_that_did_not() -> None:
    refresh = replace(NIGHT, job="refresh", begun=NIGHT.begun + 900)
    page = shown(replace(NIGHT, state=PARTLY), refresh)
    assert page["letter"] == "W"


def test_runs_without_news_stand_together_and_have_no_page() -> None:
    rows = shown(*numbered(NIGHT, 1, 2), *numbered(QUIET, 3, 4, 5))["recent"]
    assert isinstance(rows, tuple)
    assert [row["number"] for row in rows] == ["3–5", "2", "1"]
    assert [row["told"] for row in rows] == ["nothing new, 3 times", "", ""]
    assert [bool(row["href"]) for row in rows] == [False, True, True]


def test_a_page_that_a_later_run_took_is_not_led_to() -> None:
    many = numbered(NIGHT, *range(1, urls.JOB_PAGES + 2))
    history = JobHistory(tuple(many))
    assert [job.has_page(one, history) for one in many[:2]] == [False, True]
    assert urls.job_page("nightly", 1) == urls.job_page("nightly", 1 + urls.JOB_PAGES)


def test_the_browser_learns_when_a_job_is_late() -> None:
    (row,) = shown(NIGHT)["jobs"]  # type: ignore[misc]
    assert (row["every"], row["late"]) == ("expected every day", DAY + DAY // 10)
    (row,) = shown(NIGHT, every=900)["jobs"]  # type: ignore[misc]
    assert (row["every"], row["late"]) == ("expected every 15 min", 900 + 3600)


def test_growth_is_told_month_by_month() -> None:
    older = replace(NIGHT, sizes={"site": 2_000, "files": 10, "database a": 1_000})
    months = shown(older, *numbered(NIGHT, 40))["months"]
    assert [(m["site"], m["site_grown"], m["databases_grown"]) for m in months] == [  # type: ignore[attr-defined]
        ("5.0\u202fkB", "+3.0\u202fkB", "−100\u202fB"),
        ("2.0\u202fkB", "", ""),
    ]


def test_growth_is_drawn_from_the_second_time_on() -> None:
    assert growth([]) is None
    assert growth([(1, 5, 5)]) is None
    chart = growth([(0, 0, 50), (50, 50, 50), (100, 100, 0)])
    assert chart is not None
    assert chart["site"] == "M0 120 L360 62 L720 4"
    assert chart["label"] == "site 0\u202fB to 100\u202fB, databases 50\u202fB to 0\u202fB"


def test_the_page_of_a_run_has_its_steps_and_what_it_said() -> None:
    entry = replace(NIGHT, state=FAILED, told="publish: no", said=("one", "<b>two"))
    page = job.run_context(FRAME, entry)
    assert page["said"] == "one\n<b>two"
    steps = page["steps"]
    assert isinstance(steps, tuple)
    assert steps[2]["counts"] == "44 requests, 91.0\u202fkB sent"
