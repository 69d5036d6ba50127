"""`ingest objects`: every object lies in one state, unchanged; jobs become tests of their push."""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from areas_read import read
from hypothesis import given
from hypothesis import strategies as st

from mtsite.config import AreaConfig
from mtsite.ingest import objects
from mtsite.ingest.objects import ObjectsSummary, ingest_objects, preview_objects
from mtsite.megatest.merge import list_areas
from mtsite.model import Run, RunKey
from mtsite.objects.shape import Job, ObjectError, read_object
from mtsite.relations import stated_elsewhere, stated_in

DATA = Path(__file__).parents[1] / "data/treeherder/jobs"
JOB = {"kind": "job", "id": "1", "name": "unit", "repository": "hg", "revision": "abc" * 10}


RUNNAME = "abcabcabcabc"


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.area = AreaConfig(name="th", path=root / "th")

    def take(self, *told: Any) -> ObjectsSummary:
        drop = self.root / "drop"
        drop.mkdir(exist_ok=True)
        for number, one in enumerate(told):
            text = one if isinstance(one, str) else json.dumps(one)
            (drop / f"{number:03}.json").write_text(text, encoding="utf-8")
        return ingest_objects([drop], self.area, 1_790_000_000, {})

    def runs(self) -> list[Run]:
        (listing,) = list_areas([self.area], {})
        return [read(head) for head in listing.heads]

    def stored(self, state: str) -> list[Any]:
        files = (self.area.path / "objects" / state).rglob("*.json")
        return [json.loads(path.read_text("utf-8")) for path in files]

    def states(self) -> Counter[str]:
        root = self.area.path / "objects"
        return Counter(path.relative_to(root).parts[0] for path in root.rglob("*.json"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _key(told: Any) -> str:
    return json.dumps(told, sort_keys=True)


def _leaves(told: Any) -> Counter[str]:
    """All values of an object, however deep."""
    found: Counter[str] = Counter()
    todo = [told]
    while todo:
        one = todo.pop()
        if isinstance(one, dict | list) and one:
            todo += one.values() if isinstance(one, dict) else one
        else:
            shown = float(one) if type(one) in (int, float) else one
            found[str(shown) if isinstance(shown, str | float) else json.dumps(shown)] += 1
    return found


def test_all_real_jobs_and_messages_go_in_and_come_out(place: Place) -> None:
    done = ingest_objects([DATA], place.area, 1_790_000_000, {})
    assert (done.taken, done.complete, done.broken, done.problems) == (152, 152, [], [])
    given = [json.loads(line) for line in (DATA / "job_data.jsonl").read_text().splitlines()]
    given += json.loads((DATA / "pulse_job_data.json").read_text())
    assert Counter(map(_key, place.stored("complete"))) == Counter(map(_key, given))
    # Every field of every job is a value of its test.
    shown: Counter[str] = Counter()
    runs = place.runs()
    for test in (test for run in runs for test in run.tests):
        for datum in test.data:
            assert datum.category == "object"
            shown[str(datum.value)] += 1
    assert shown == sum((_leaves(one) for one in given), Counter())
    assert {run.key.target[0] for run in runs} == {"mozilla-central", "set by test"}
    assert sum(max(1, len(test.steps)) for run in runs for test in run.tests) == 152
    again = ingest_objects([DATA], place.area, 1_790_000_001, {})
    assert (again.taken, again.known, again.runs) == (0, 152, 0)


def test_a_job_is_a_test_of_the_run_of_its_push_and_platform(place: Place) -> None:
    place.take(
        {**JOB, "platform": "linux", "start": "2026-01-02T03:04:05Z", "end": 1767323050,
         "machine": "m1", "result": "testfailed", "extra": {"deep": [1, "two", None]}},
        {"kind": "push", "repository": "hg", "revision": "abc" * 10, "author": "ann"},
        {"kind": "build", "id": "b1", "repository": "hg", "revision": "abc" * 10, "url": "u"},
        {"kind": "machine", "name": "m1", "cores": 8},
    )  # fmt: skip
    (run,) = place.runs()
    assert (run.key.target, run.key.runname) == (("hg", "linux"), "abcabcabcabc")
    (test,) = run.tests
    assert (test.testname, test.state, test.status) == ("unit", "COMPLETED", "FAIL")
    assert (test.host, test.comment, test.run_duration) == ("m1", "testfailed", 5)
    values = {(one.category, one.variable): one.value for one in test.data}
    assert values["object", "extra.deep[1]"] == "two"
    assert values["machine", "cores"] == 8
    told = dict(run.attributes)
    assert told["revision"] == "abc" * 10
    assert (told["push: author"], told["build b1: url"]) == ("ann", "u")


def test_jobs_of_one_name_are_attempts_in_the_order_of_their_time(place: Place) -> None:
    place.take(
        {**JOB, "id": "2", "start": 50, "end": 60, "result": "success"},
        {**JOB, "id": "1", "start": 10, "end": 20, "result": "busted"},
    )
    ((test,),) = (run.tests for run in place.runs())
    assert (test.status, test.comment) == ("WARN", "passed at attempt 2; before: busted")
    assert [(one.name, one.start, one.status) for one in test.steps] == [
        ("attempt-1", 10, "1"),
        ("attempt-2", 50, "0"),
    ]


def related(run: Run) -> dict[str, list[tuple[str, object]]]:
    """Name of a test → what it hangs on."""
    return {
        test.testname: [(d.variable, d.value) for d in test.data if d.category == "relation"]
        for test in run.tests
    }


def test_what_jobs_hang_on_is_data_of_their_tests(place: Place) -> None:
    place.take(
        {**JOB, "id": "b", "name": "build"},
        {**JOB, "id": "m", "name": "build", "platform": "mac"},
        {**JOB, "id": "t", "built_from": "b", "depends_on": ["m", 7, "b"]},
        {**JOB, "id": "t2", "retry_of": "t"},
        {
            **JOB,
            "id": "d",
            "name": "other",
            "relations": [{"kind": "duplicates", "to": "t"}, {"kind": "toy", "to": "t"}, 3],
        },
    )
    run = next(run for run in place.runs() if run.key.target[1] == "x")
    assert related(run) == {
        "build": [],
        "other": [("duplicates", "unit")],
        "unit": [
            ("depends-on", f"//hg/mac/{RUNNAME}/build"),
            ("depends-on[2]", "7"),
            ("depends-on[3]", "build"),
            ("built-from", "build"),
        ],
    }
    edges = [edge for edge in stated_in(run) if edge.kind == "depends-on"]
    assert [edge.target for edge in edges] == [("7", ""), ("build", "")]
    mac = RunKey("th", ("hg", "mac"), RUNNAME)
    assert stated_elsewhere(run) == [(("unit", ""), "depends-on", mac, ("build", ""))]


def test_treeherders_words_for_relations_are_known(place: Place) -> None:
    stored = {"project": "hg", "revision": "abc" * 10}
    task = {
        "origin": {"project": "hg", "revision": "abc" * 10},
        "display": {"jobName": "task"},
    }
    place.take(
        {**stored, "job": {"job_guid": "g/0", "name": "one"}, "superseded": ["h/0"]},
        {**stored, "job": {"job_guid": "g/1", "name": "again"}},
        {**stored, "job": {"job_guid": "h/0", "name": "two", "coalesced_to_guid": "g/1"}},
        {**task, "taskId": "T"},
        {**task, "taskId": "T", "retryId": 1, "dependencies": ["g/0"]},
    )
    (run,) = place.runs()
    assert related(run) == {
        "one": [],
        "two": [("duplicates", "one"), ("duplicates[2]", "again")],
        "again": [("retry-of", "one")],
        "task": [("depends-on", "one")],
    }
    assert [len(test.steps) for test in run.tests if test.testname == "task"] == [2]


def test_a_relation_with_a_job_that_comes_later_is_the_same(tmp_path: Path) -> None:
    told = [
        {**JOB, "id": "t", "platform": "linux", "built_from": "m"},
        {**JOB, "id": "m", "name": "build", "platform": "mac"},
    ]
    one, other = Place(tmp_path / "a"), Place(tmp_path / "b")
    one.root.mkdir()
    other.root.mkdir()
    one.take(*told)
    for single in told:
        other.take(single)
    assert [related(run) for run in one.runs()] == [related(run) for run in other.runs()]
    assert {"unit": [("built-from", f"//hg/mac/{RUNNAME}/build")]} in [
        related(run) for run in one.runs()
    ]


def test_a_job_that_says_its_platform_later_leaves_no_run_without_one(place: Place) -> None:
    place.take({**JOB, "state": "pending"})
    assert [run.key.target[1] for run in place.runs()] == ["x"]
    place.take({**JOB, "state": "running", "platform": "linux"})
    place.take({**JOB, "state": "completed", "result": "success"})
    (run,) = place.runs()
    assert (run.key.target[1], [test.status for test in run.tests]) == ("linux", ["PASS"])


def test_the_order_in_which_objects_come_does_not_matter(tmp_path: Path) -> None:
    push = {"kind": "push", "repository": "hg", "revision": JOB["revision"], "author": "ann"}
    told = [push, JOB, {**JOB, "id": "2", "name": "other"}]
    one, other = Place(tmp_path / "a"), Place(tmp_path / "b")
    one.root.mkdir()
    other.root.mkdir()
    one.take(*told)
    for single in reversed(told):
        other.take(single)
    assert one.runs() == other.runs()


def test_a_broken_object_is_put_apart_with_its_reason_and_the_rest_goes_on(place: Place) -> None:
    done = place.take('{"kind": "job"', JOB, {**JOB, "name": ""}, {"kind": "toy"}, "[" * 100_000)
    assert sorted(reason.partition(":")[0] for _name, reason in done.broken) == [
        "kind is 'toy', and none of job, build, push, machine",
        "name is missing",
        "nested too deeply",
        "no JSON",
    ]
    assert place.states() == {"complete": 1, "quarantine": 4}
    assert len(place.runs()) == 1
    again = place.take('{"kind": "job"')
    assert (again.taken, len(again.broken)) == (0, 4)


@pytest.mark.parametrize("order", [1, -1])
def test_a_job_that_is_told_while_it_runs_and_when_it_ends_is_one(place: Place, order: int) -> None:
    told = [
        {**JOB, "state": "pending"},
        {**JOB, "state": "running", "start": 1_790_000_000},
        {**JOB, "state": "completed", "result": "testfailed", "start": 1_790_000_000},
    ]
    for one in told[::order]:
        place.take(one)
    (there,) = place.runs()
    (only,) = there.tests
    assert (only.state, only.status, only.steps) == ("COMPLETED", "FAIL", ())
    assert sum(datum.variable == "id" for datum in only.data) == 1


def test_revisions_that_begin_alike_are_runs_of_their_own(place: Place) -> None:
    tags = ("release-2026-01", "release-2026-02")
    place.take(*({**JOB, "revision": tag} for tag in tags))
    assert sorted(one.key.runname for one in place.runs()) == list(tags)


def test_a_digest_that_begins_like_another_waits_and_takes_no_place(place: Place) -> None:
    place.take({**JOB, "revision": "ab" * 20})
    done = place.take({**JOB, "revision": "ab" * 15 + "cd" * 5, "name": "other"})
    assert (done.waiting, len(done.problems)) == (1, 1)
    (there,) = place.runs()
    assert [one.testname for one in there.tests] == ["unit"]


def test_the_same_object_in_another_layout_is_the_same(place: Place) -> None:
    place.take(JOB)
    done = place.take(json.dumps(dict(reversed(list(JOB.items()))), indent=4))
    assert (done.taken, done.known, place.states()["complete"]) == (0, 1, 1)


def test_a_run_that_was_made_otherwise_stays_and_its_objects_wait(place: Place) -> None:
    place.take(JOB)
    with objects.open_for_writing(place.area.path / "megatest.db") as connection:
        connection.execute("UPDATE extradat SET val = 'junit x' WHERE key = 'mtsite.source'")
    connection.close()
    done = place.take({**JOB, "id": "7"}, {**JOB, "id": "8", "revision": "d" * 40})
    assert (done.waiting, done.runs, len(done.problems)) == (1, 1, 1)
    assert place.states() == {"complete": 2, "ready": 1}


@pytest.mark.parametrize("moment", ["loading", "written", "committed"])
@pytest.mark.faults
def test_killed_anywhere_the_next_call_goes_on(place: Place, moment: str) -> None:
    child = os.fork()
    if child == 0:
        _die(moment, place)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert place.states()["complete"] == 0
    done = place.take(JOB, {**JOB, "id": "2", "name": "other"})
    assert (done.complete, done.taken) == (2, 0)
    assert place.states() == {"complete": 2}
    assert [len(run.tests) for run in place.runs()] == [2]


def _die(moment: str, place: Place) -> None:
    def kill(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "loading":
        objects.ObjectStore.place_of = kill  # type: ignore[method-assign, assignment]
    if moment == "written":
        objects.NewRun.add_attributes = kill  # type: ignore[method-assign, assignment]
    if moment == "committed":
        objects.ObjectStore.complete = kill  # type: ignore[method-assign, assignment]
    place.take(JOB, {**JOB, "id": "2", "name": "other"})
    os._exit(0)


def test_a_preview_writes_nothing(place: Place) -> None:
    (place.root / "a.json").write_text(json.dumps([JOB, {"kind": "toy"}]))
    done = preview_objects([place.root / "a.json"], place.area)
    assert (done.taken, len(done.broken)) == (2, 1)
    assert not place.area.path.exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
FIELD = st.sampled_from("kind id name repository revision job origin display state result".split())


@given(st.dictionaries(FIELD, JSON) | JSON)
def test_any_json_is_an_object_or_has_a_reason_why_not(told: Any) -> None:
    try:
        found = read_object(json.dumps(told))
    except ObjectError as error:
        assert str(error)
    else:
        assert found.id


def test_states_and_results_of_other_words() -> None:
    def outcome(**told: str) -> tuple[str, str]:
        job = read_object(json.dumps({**JOB, **told}))
        assert isinstance(job, Job)
        return job.state, job.status

    assert outcome(state="running") == ("RUNNING", "n/a")
    assert outcome(state="pending") == ("NOT_STARTED", "n/a")
    assert outcome(state="completed", result="usercancel") == ("KILLED", "KILLED")
    assert outcome(result="exception") == ("COMPLETED", "ABORT")
    assert outcome(result="some word") == ("COMPLETED", "FAIL")
