"""`run export --junit` reads back as the same run; `--html-single` is one file for mail."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from areas import datum, item, make_area, run, step, test
from areas_read import read
from calling import called
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from msgspec.structs import replace
from sites import silent

from mtsite import rollup
from mtsite.config import AreaConfig
from mtsite.export import junit, single
from mtsite.export.runs import ShownRun, row_alone
from mtsite.ingest.junit import JunitOrder, ingest_junit
from mtsite.ingest.place import Target
from mtsite.junit import exact
from mtsite.megatest.merge import list_areas
from mtsite.megatest.reader import RunHead
from mtsite.model import (
    Attachment,
    FirstFailure,
    Run,
    RunKey,
    RunSummary,
    State,
    Status,
    Step,
    Test,
    TestDatum,
)
from mtsite.rollup import roll_up_items

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
NAME = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8
)
TIME = st.none() | st.integers(1, 2_000_000_000)
STATES = st.sampled_from("COMPLETED RUNNING NOT_STARTED KILLED INCOMPLETE odd".split())
STATUSES = st.sampled_from("PASS FAIL ABORT SKIP WARN WAIVED CHECK DEAD n/a odd".split())
STEPS = st.builds(
    Step,
    name=NAME,
    start=TIME,
    end=TIME,
    status=TEXT,
    duration=st.none(),
    logfile=TEXT,
    comment=TEXT,
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.none() | FLOATS | st.sampled_from(["n/a", "007", "1e5"])
DATA = st.builds(
    TestDatum,
    category=TEXT, variable=NAME, value=VALUE, expected=VALUE,
    tol=st.sampled_from([">", 1.5, None]),
    units=TEXT, comment=TEXT, status=st.none() | TEXT, type=TEXT,
)  # fmt: skip


def a_test(name: tuple[str, str], **columns: Any) -> Test:
    return Test(
        testname=name[0], item_path=name[1], uname="n/a", rundir="n/a", shortdir="n/a",
        final_logf="logs/final.log", archived=0, **columns,
    )  # fmt: skip


@st.composite
def rows_of_runs(draw: st.DrawFn) -> tuple[Test, ...]:
    """The rows of a run: plain tests, and iterated ones with their toplevel row."""
    found = []
    for testname in draw(st.lists(NAME, max_size=4, unique=True)):
        items = draw(st.lists(NAME, max_size=3, unique=True))
        rows = [draw(_row((testname, path))) for path in items or [""]]
        if items:
            pairs = [(str(one.state), str(one.status)) for one in rows]
            state, status = roll_up_items(pairs)
            top = draw(_row((testname, "")))
            rows.append(replace(top, state=state, status=status, toplevel=True))
        found += rows
    return tuple(sorted(found, key=lambda one: (one.testname.encode(), one.item_path.encode())))


def _row(name: tuple[str, str]) -> st.SearchStrategy[Test]:
    return st.builds(
        a_test, st.just(name), state=STATES.map(State), status=STATUSES.map(Status), host=TEXT,
        cpuload=st.none() | st.floats(0, 99), diskfree=st.none() | st.integers(0, 2**40),
        run_duration=st.none() | st.integers(0, 9999), comment=TEXT, event_time=TIME,
        attemptnum=st.integers(0, 99999),
        steps=st.lists(STEPS, max_size=2, unique_by=_of).map(tuple),
        data=st.lists(DATA, max_size=3, unique_by=_of).map(tuple),
    )  # fmt: skip


def _of(one: Step | TestDatum) -> object:
    return one.name if isinstance(one, Step) else (one.category, one.variable)


def shown(one: Run) -> ShownRun:
    own = (one.keys, one.state, one.status, one.owner, one.contour, one.comment, one.event_time)
    head = RunHead(one.key, Path(), 1, one.key.area, *own)
    verdicts = tuple(rollup.test_verdicts(one, 0, 10**9))
    return replace(row_alone(head), run=one, verdicts=verdicts)


def back(one: Run, root: Path) -> Run:
    path = root / "a.xml"
    path.write_text("".join(junit.document([shown(one)])), encoding="utf-8", newline="")
    JUnitXml.fromfile(str(path))
    area = AreaConfig(name="ci", path=root / "ci")
    ingest_junit(JunitOrder([path], area, Target(("x",)), "r", "me", 5), {}, silent)
    (listing,) = list_areas([area], {})
    return read(listing.heads[0])


def said(one: Run) -> object:
    """All that an export says of a run, and its verdicts."""
    rows = [_said(test) for test in one.tests]
    return exact.said_of_run(one), rows, one.attributes, rollup.test_verdicts(one, 0, 10**9)


def _said(test: Test) -> object:
    steps = sorted((one.name, one.start, one.status, one.logfile) for one in test.steps)
    return {**exact.said_of_test(test), "steps": steps}, test.toplevel


@settings(max_examples=25, deadline=None)
@given(
    tests=rows_of_runs(),
    columns=st.fixed_dictionaries({"owner": TEXT, "comment": TEXT, "contour": TEXT}),
    attributes=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "v", "w\t<"])),
                        unique_by=lambda pair: pair[0]).map(tuple),
)  # fmt: skip
def test_junit_read_back_gives_the_same_run(
    tests: tuple[Test, ...], columns: dict[str, str], attributes: tuple[tuple[str, str], ...]
) -> None:
    key = RunKey("ci", ("x",), "r")
    state, status = State("locked"), Status("n/a")
    one = Run(key, ("target",), state, status, event_time=7, tests=tests, attributes=attributes,
              **columns)  # fmt: skip
    with TemporaryDirectory() as held:
        assert said(back(one, Path(held))) == said(one)


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    broken = test("compile", status="FAIL", comment="<b>no\x1b disk</b>",
                  host="h1", data=[datum("time", "slack", value=-5)],
                  steps=[step("build", status="1")])  # fmt: skip
    area = make_area(tmp_path, "chips", runs=[
        run("ubuntu/nfs", "w01", [broken, test("many", items=["a", item("b/c", status="ABORT")])]),
        run("ubuntu/nfs", "w02", [test("t")]),
    ])  # fmt: skip
    (tmp_path / "mtsite.toml").write_text(
        f'[site]\nbase_url = "https://runs.example"\n[areas.chips]\npath = "{area.path}"\n'
    )
    monkeypatch.chdir(tmp_path)
    return "chips/ubuntu/nfs/w01"


def test_what_other_programs_read_of_a_run(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = called(["run", "export", "--junit", names], capsys).out
    document = JUnitXml.fromstring(text.encode())
    assert (document.tests, document.failures, document.errors) == (3, 1, 1)
    items = {one.name: one for group in document for one in group}
    assert items["compile"].result[0].message == "<b>no\ufffd disk</b>"
    assert items["b/c"].classname == "many"


def test_a_run_for_mail_is_one_file_that_needs_nothing(
    names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    called(["run", "export", "--html-single", "-o", "a.html", names], capsys)
    text = Path("a.html").read_text("utf-8")
    assert "&lt;b&gt;no\ufffd disk&lt;/b&gt;" in text
    assert "2 of 3 tests went wrong" in text
    assert set(re.findall(r"https?://[^\"<]+", text)) == {
        "https://runs.example/chips/ubuntu/nfs/w01/index.html"
    }
    assert not re.search(r"<(script|link|img|iframe)|url\(", text)


def test_a_run_for_mail_names_the_attachments_of_what_failed(names: str) -> None:
    key = RunKey("ci", ("x",), "r")
    bad = a_test(("t", ""), state=State("COMPLETED"), status=Status("FAIL"), host="",
                 attemptnum=0, cpuload=None, diskfree=None, run_duration=1, comment="",
                 event_time=1)  # fmt: skip
    one = Run(key, ("k",), State(""), Status(""), "", "", "", 1, (bad,))
    summary = RunSummary(key, 1, 1, "", "", "", State(""), Status(""), {"F": 1}, "F")
    attached = {("t", ""): (Attachment("<eye>.png", "image", blob="_blobs/ab/x.png", size=2000),)}
    address = "https://runs.example/ci/x/r/index.html"
    text = single.page(shown(one), summary, address, attached)
    assert (
        '<a href="https://runs.example/_blobs/ab/x.png">&lt;eye&gt;.png</a> (2.0\u202fkB)' in text
    )
    assert "&lt;eye&gt;.png" in single.page(shown(one), summary, "", attached)


def test_what_is_left_out_of_a_long_page_is_said() -> None:
    many = [
        a_test(("t", f"{n:05}"), state=State("COMPLETED"), status=Status("FAIL"), host="",
               cpuload=None, diskfree=None, run_duration=1, comment="c", event_time=1, attemptnum=0)
        for n in range(single.MOST_TESTS + 1)
    ]  # fmt: skip
    key = RunKey("ci", ("x",), "r")
    one = Run(key, ("k",), State(""), Status(""), "", "", "", 1, tuple(many))
    summary = RunSummary(key, 1, 1, "", "", "", State(""), Status(""), {"F": len(many)}, "F",
                         (FirstFailure("t", "00000", "F", "the line"),))  # fmt: skip
    text = single.page(shown(one), summary, "")
    assert "Tests: the first 2000 of 2001" in text
    assert "Failures: the first 200 of 2001" in text
    assert text.count("the line") == 1


@pytest.mark.parametrize("form", ["--junit", "--html-single"])
def test_these_forms_are_of_one_run(
    names: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["run", "export", form], capsys)
    assert (ended.code, "several runs are chosen" in ended.err) == (2, True)


@pytest.mark.parametrize("told", ["", "x", "[]", '{"state": 1}', '{"steps": [1, [2]], "data": 3}'])
def test_a_property_that_makes_no_sense_counts_as_not_said(told: str) -> None:
    found = exact.read_test([(exact.TEST_PROPERTY, told)])
    assert not any((found or {}).values())
