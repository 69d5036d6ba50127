"""What each state and status of Megatest reads as: its verdict, and a sentence where it needs one.

The states and statuses are those of the table of frequent combinations in docs/model.md.
"""

import pytest
from browser import records
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite import rollup
from mtsite.model import RunFacts, State, Status, TestRecord
from mtsite.pages import test
from mtsite.pages.place import RunPlace

SECONDS = 7 * records.DAY
TRUTH = [
    ("NOT_STARTED", "n/a", "not run", "had not started"),
    ("NOT_STARTED", "PREQ_FAIL", "blocked", "waits for failed"),
    ("NOT_STARTED", "PREQ_DISCARDED", "blocked", "was discarded"),
    ("NOT_STARTED", "ZERO_ITEMS", "blocked", "expand to nothing"),
    ("NOT_STARTED", "TEN_STRIKES", "blocked", "gave up starting"),
    ("NOT_STARTED", "TIMED_OUT", "blocked", "waited too long"),
    ("NOT_STARTED", "KEEP_TRYING", "blocked", "still trying"),
    ("LAUNCHED", "n/a", "running", "under way"),
    ("REMOTEHOSTSTART", "n/a", "running", "under way"),
    ("RUNNING", "n/a", "running", "under way"),
    ("KILLREQ", "n/a", "running", "asked to stop"),
    ("COMPLETED", "PASS", "pass", ""),
    ("COMPLETED", "WARN", "warn", ""),
    ("COMPLETED", "FAIL", "fail", ""),
    ("COMPLETED", "WAIVED", "waived", ""),
    ("COMPLETED", "SKIP", "skip", "skipped by a rule"),
    ("COMPLETED", "CHECK", "check", "wants a person"),
    ("COMPLETED", "ABORT", "abort", ""),
    ("COMPLETED", "DEAD", "dead", "did not report its end"),
    ("COMPLETED", "PREQ_FAIL", "blocked", "waits for failed"),
    ("COMPLETED", "AUTO", "not run", "still to be taken"),
    ("INCOMPLETE", "KILLED", "killed", "got a signal"),
    ("INCOMPLETE", "FAIL", "killed", "without a report"),
    ("KILLED", "KILLED", "killed", "was killed"),
    ("STUCK", "n/a", "killed", "no progress"),
    ("DEAD", "DEAD", "dead", "found dead"),
    ("REMOVING", "LOCKED", "running", "removal had begun"),
    ("CLEANING", "LOCKED", "running", "being removed"),
    ("ARCHIVE_REMOVING", "PASS", "running", "into the archive"),
    ("ARCHIVED", "PASS", "pass", "archive only"),
    ("ARCHIVED", "FAIL", "fail", "archive only"),
    ("COMPLETED", "SOMEBODYS_OWN", "fail", ""),
]


@pytest.fixture(scope="module")
def night() -> records.Night:
    return records.Night()


def page_of(night: records.Night, state: str, status: str, now: int) -> str:
    one = replace(
        night.run.tests[0], state=State(state), status=Status(status), event_time=records.NOW
    )
    whole = replace(night.run, tests=(one,))
    verdicts = rollup.test_verdicts(whole, now, SECONDS)
    kept = TestRecord(*one.name, verdicts[0].value)
    shown = test.context(RunPlace(FRAME, whole, verdicts, RunFacts()), 0, kept)
    return THEME.render(test.TEMPLATE, shown).decode()


@pytest.mark.parametrize(("state", "status", "word", "sentence"), TRUTH)
def test_a_state_reads_as_what_it_is(
    night: records.Night, state: str, status: str, word: str, sentence: str
) -> None:
    page = page_of(night, state, status, records.NOW + 60)
    assert f'<span class="word">{word}</span>' in page
    assert f"<bdi>{state}</bdi> <bdi>{status}</bdi>" in page
    assert sentence in page


@pytest.mark.parametrize("state", ["LAUNCHED", "RUNNING", "KILLREQ", "REMOVING"])
def test_a_row_that_nobody_heard_of_for_long_is_dead_and_says_why(
    night: records.Night, state: str
) -> None:
    page = page_of(night, state, "n/a", records.NOW + 40 * records.DAY)
    assert '<span class="word">dead</span>' in page
    assert f"Its row says {state}, but nothing was heard of it for too long" in page
