"""`ingest junit`: files become a run of a real area, once, whole, or not at all."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from areas import make_area, run, test
from areas_read import read
from msgspec.structs import replace
from sites import TestSite, silent

from mtsite.config import AreaConfig
from mtsite.errors import ConflictError, MissingError, RefusedFileError, UsageError
from mtsite.ingest import junit
from mtsite.ingest.junit import IngestSummary, JunitOrder, ingest_junit, preview_junit
from mtsite.ingest.place import Target, parse_target
from mtsite.megatest.area import open_area
from mtsite.megatest.linktree import find_logs
from mtsite.megatest.merge import list_areas
from mtsite.model import Run, Test

NOW = 1_790_000_000
FILE = """<testsuites><testsuite name="pytest" timestamp="2026-07-01T02:00:00Z" hostname="ci-1">
<properties><property name="revision" value="abc"/></properties>
<testcase classname="t.A" name="good" time="1.6"><properties>
<property name="speed" value="3.5"/><property name="number" value="007"/>
<property name="speed" value="n/a"/></properties></testcase>
<testcase classname="t.A" name="bad" time="2"><failure message="1 != 2">E 1 != 2
at line 3</failure><system-out>said &lt;this&gt;</system-out></testcase>
<testcase classname="t.B" name="broken" file="b.py"><error message="no disk"/></testcase>
<testcase classname="t.B" name="left/out"><skipped message="later">b.py:7: later</skipped>
</testcase></testsuite></testsuites>"""


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.area = AreaConfig(name="ci", path=root / "ci")
        self.files = 0

    def file(self, content: str, name: str = "") -> Path:
        self.files += 1
        path = self.root / (name or f"{self.files}.xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def order(self, *paths: Path, **rest: Any) -> JunitOrder:
        told = {"target": Target(("linux",), ("os",)), "runname": "r1", **rest}
        return JunitOrder(paths, self.area, owner="me", now=NOW, **told)

    def ingest(self, *contents: str | Path, **rest: Any) -> IngestSummary:
        paths = [one if isinstance(one, Path) else self.file(one) for one in contents]
        return ingest_junit(self.order(*paths, **rest), {}, silent)

    def runs(self) -> list[Run]:
        (listing,) = list_areas([self.area], {})
        return [read(head) for head in listing.heads]

    def tests(self) -> dict[str, Test]:
        (found,) = self.runs()
        return {"/".join(filter(None, one.name)): one for one in found.tests}

    def logs(self, test: Test) -> dict[str, str]:
        (found,) = self.runs()
        logs, note = find_logs(open_area(self.area, {}).place.roots(), found.key, test)
        assert note in {"", "never had a run directory"}
        return {log.name: log.path.read_text("utf-8") for log in logs if not log.refused}

    def directories(self) -> list[str]:
        return sorted(path.name for path in (self.area.path / "lt/linux").iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_area_that_is_absent_is_made_and_megatest_can_read_it(place: Place) -> None:
    assert place.ingest(FILE).made_area
    area = open_area(place.area, {})
    assert (area.generation.name, area.fields, area.allow_runs) == ("G4", ("os",), False)
    assert area.linktree == place.area.path / "lt"
    assert area.problems == ()
    assert not place.ingest(FILE, runname="r2").made_area


def test_groups_are_tests_and_their_items_items(place: Place) -> None:
    done = place.ingest(FILE)
    tests = place.tests()
    assert {name: (one.state, one.status, one.toplevel) for name, one in tests.items()} == {
        "t.A": ("COMPLETED", "FAIL", True),
        "t.A/bad": ("COMPLETED", "FAIL", False),
        "t.A/good": ("COMPLETED", "PASS", False),
        "t.B": ("COMPLETED", "ABORT", True),
        "t.B/broken": ("COMPLETED", "ABORT", False),
        "t.B/left/out": ("COMPLETED", "SKIP", False),
    }
    assert tests["t.A/good"].event_time == 1_782_871_200
    assert (tests["t.A/bad"].run_duration, tests["t.A/good"].run_duration) == (2, 2)
    assert tests["t.A/bad"].host == "ci-1"
    assert tests["t.B/left/out"].comment == "b.py:7: later"
    totals = done.totals
    assert (totals.items, totals.passed, totals.failed, totals.error, totals.skipped) == (
        4,
        1,
        1,
        1,
        1,
    )
    assert (done.done, done.files, totals.tests) == ("new", 1, 2)


def test_properties_are_values_and_attributes_of_the_run(place: Place) -> None:
    place.ingest(FILE)
    tests = place.tests()
    told = [(one.category, one.variable, one.value, one.units) for one in tests["t.A/good"].data]
    assert told == [
        ("junit", "time", 1.6, "s"),
        ("property", "speed", 3.5, ""),
        ("property", "number", "007", ""),
        ("property", "speed #2", "n/a", ""),
    ]
    assert [(one.variable, one.value) for one in tests["t.B/broken"].data] == [("file", "b.py")]
    with closing(sqlite3.connect(place.area.path / "megatest.db")) as connection:
        told = connection.execute("SELECT key, val FROM extradat ORDER BY id").fetchall()
    assert told[1:] == [("revision", "abc")]


def test_what_an_item_said_is_its_logs(place: Place) -> None:
    place.ingest(FILE)
    bad = place.tests()["t.A/bad"]
    assert bad.final_logf == "failure.log"
    assert bad.comment == "1 != 2"
    assert place.logs(bad) == {
        "failure.log": "E 1 != 2\nat line 3\n",
        "system-out.log": "said <this>\n",
    }
    assert place.logs(place.tests()["t.A/good"]) == {}


def test_what_a_group_said_is_a_log_of_its_test(place: Place) -> None:
    place.ingest(
        '<testsuite name="s"><testcase name="a"/><system-err>all of it</system-err></testsuite>'
    )
    assert place.logs(place.tests()["s"]) == {"system-err.log": "all of it\n"}


def test_an_item_that_passes_after_failures_warns_and_keeps_all_attempts(place: Place) -> None:
    place.ingest(
        '<testsuite name="s"><testcase name="a" classname="s">'
        '<flakyFailure message="once" type="E">'
        "<stackTrace>E: once\n at x</stackTrace></flakyFailure></testcase>"
        '<testcase name="b" classname="s"><failure message="1st">E 1st</failure></testcase>'
        '<testcase name="b" classname="s"/></testsuite>'
    )
    tests = place.tests()
    for name, first in (("s/a", "once"), ("s/b", "1st")):
        one = tests[name]
        assert (one.status, one.comment) == ("WARN", f"passed at attempt 2; before: {first}")
        assert [(step.name, step.status) for step in one.steps] == [
            ("attempt-1", "1"),
            ("attempt-2", "0"),
        ]
        logs = place.logs(one)
        assert f"E{':' if name == 's/a' else ''} {first}" in logs[one.steps[0].logfile]
    assert tests["s"].status == "WARN"


def test_an_item_that_fails_every_time_has_the_last_word_as_comment(place: Place) -> None:
    done = place.ingest(
        '<testsuite name="s"><testcase name="b" classname="s"><failure message="1st"/></testcase>'
        '<testcase name="b" classname="s"><error message="2nd">x</error></testcase></testsuite>'
    )
    one = place.tests()["s/b"]
    assert (one.status, one.comment, len(one.steps)) == ("ABORT", "2nd", 2)
    assert place.logs(one)["attempt-2.log"] == "2nd\n\nx\n"
    assert (done.totals.items, done.totals.attempts) == (2, 1)


def test_a_failure_is_not_hidden_by_a_namesake_that_passed_before(place: Place) -> None:
    place.ingest(
        '<testsuite name="s"><testcase name="a"/><testcase name="a"><failure message="x"/>'
        '</testcase><testcase name="a"/></testsuite>'
    )
    assert {name: one.status for name, one in place.tests().items()} == {
        "s": "FAIL",
        "s/a": "PASS",
        "s/a #2": "FAIL",
        "s/a #3": "PASS",
    }


def test_the_same_file_twice_is_once(place: Place) -> None:
    place.ingest(FILE, FILE + "\n")
    before = (place.area.path / "megatest.db").read_bytes()
    again = [place.file(FILE + "\n", "other/name.xml"), place.file(FILE, "x.xml")]
    assert place.ingest(*again).done == "unchanged"
    assert (place.area.path / "megatest.db").read_bytes() == before


def test_a_changed_file_replaces_its_run_only_when_it_is_told_to(place: Place) -> None:
    place.ingest(FILE)
    changed = FILE.replace("1 != 2", "1 != 3")
    with pytest.raises(ConflictError, match="ci/linux/r1 is there, made from other files"):
        place.ingest(changed)
    assert place.tests()["t.A/bad"].comment == "1 != 2"
    assert place.ingest(changed, replace=True).done == "replaced"
    assert place.tests()["t.A/bad"].comment == "1 != 3"
    assert place.logs(place.tests()["t.A/bad"])["failure.log"].startswith("E 1 != 3")
    assert place.directories() == ["r1~2"]
    assert place.ingest(FILE, replace=True).done == "replaced"
    assert place.directories() == ["r1"]


def test_a_run_of_megatest_is_never_replaced(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=[run("ubuntu/nfs", "w01", tests=[test("t")])])
    file = tmp_path / "a.xml"
    file.write_text(FILE)
    order = JunitOrder([file], area.settings, parse_target("ubuntu/nfs"), "w01", "me", NOW, True)
    with pytest.raises(ConflictError, match="was not ingested"):
        ingest_junit(order, {}, silent)
    assert ingest_junit(replace(order, runname="w02"), {}, silent).done == "new"


def test_a_wrong_file_leaves_nothing(place: Place) -> None:
    place.ingest(FILE)
    before = (place.area.path / "megatest.db").read_bytes()
    with pytest.raises(RefusedFileError, match=r"broken.xml, line 2: "):
        place.ingest(FILE + "\n", place.file("<testsuite>\n<", "broken.xml"), runname="r2")
    assert (place.area.path / "megatest.db").read_bytes() == before
    assert place.directories() == ["r1"]


def test_files_of_a_directory_that_are_something_else_are_passed_over(place: Place) -> None:
    place.file("<coverage/>", "d/coverage.xml")
    place.file(FILE, "d/deep/a.xml")
    place.file("no XML", "d/a.txt")
    done = place.ingest(place.root / "d")
    assert done.files == 1
    assert [told.partition("coverage.xml")[2] for told in done.passed_over] == [
        ", line 1: no JUnit XML: it begins with <coverage>"
    ]


def test_broken_files_are_left_out_and_listed_when_the_rest_shall_go_on(place: Place) -> None:
    place.file("<testsuite>", "d/b.xml")
    place.file(FILE, "d/a.xml")
    done = place.ingest(place.root / "d", keep_going=True)
    assert (done.files, len(done.refused)) == (1, 1)
    with pytest.raises(MissingError, match="none of these"):
        place.ingest(place.root / "d/b.xml", keep_going=True, runname="r3")


def test_a_preview_says_the_same_and_writes_nothing(place: Place) -> None:
    path = place.file(FILE)
    seen = preview_junit(place.order(path), {}, silent)
    assert seen.made_area
    assert not place.area.path.exists()
    assert place.ingest(path) == seen
    assert preview_junit(place.order(path), {}, silent).done == "unchanged"
    other = place.file(FILE.replace("2", "7"))
    with pytest.raises(ConflictError):
        preview_junit(place.order(other), {}, silent)
    assert preview_junit(place.order(other, replace=True), {}, silent).done == "replaced"
    assert place.ingest(path).done == "unchanged"


def test_a_preview_passes_over_what_the_ingest_passes_over(place: Place) -> None:
    place.file("<coverage/>", "d/coverage.xml")
    place.file(FILE, "d/a.xml")
    seen = preview_junit(place.order(place.root / "d"), {}, silent)
    assert place.ingest(place.root / "d") == seen
    assert preview_junit(place.order(place.root / "d"), {}, silent).done == "unchanged"


def test_a_file_that_is_named_twice_in_one_call_is_read_once(place: Place) -> None:
    path = place.file(FILE, "d/a.xml")
    assert place.ingest(path.parent, path, path.parent / "../d/a.xml").totals.items == 4


def test_an_interrupt_after_the_commit_leaves_the_logs_of_the_new_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> list[Path]:
        raise KeyboardInterrupt

    place.ingest(FILE)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(junit.RunOutputs, "others", interrupt)
        place.ingest(FILE.replace("1 != 2", "1 != 3"), replace=True)
    assert place.logs(place.tests()["t.A/bad"])["failure.log"].startswith("E 1 != 3")


def test_odd_values_of_a_file_break_nothing(place: Place) -> None:
    said = r"{&quot;meta&quot;:{&quot;\ud800&quot;:{}}}"
    place.ingest(
        f'<testsuites><properties><property name="mtsite.run" value="{said}"/></properties>'
        '<testsuite name="s"><testcase name="a" time="1e300"/></testsuite></testsuites>'
    )
    assert place.tests()["s/a"].run_duration == 0


def test_thousands_of_one_name_are_counted_on(place: Place) -> None:
    count = 12_000
    started = time.process_time()
    items = '<testcase name="a"/>' * count
    place.ingest(f'<testsuite name="s">{items}</testsuite>')
    assert time.process_time() - started < 5
    assert f"s/a #{count}" in place.tests()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("a/b", "has 2 values"),
        ("py=3", "has other keys: os"),
        ("os=1/x", "name all keys"),
        ("", "empty"),
    ],
)
def test_a_target_of_other_keys_is_refused(place: Place, target: str, told: str) -> None:
    place.ingest(FILE)
    with pytest.raises(UsageError, match=told):
        place.ingest(FILE, target=parse_target(target))


def test_a_target_may_name_its_keys_in_any_order(place: Place) -> None:
    place.ingest(FILE, target=parse_target("os=linux/py=3.12"))
    place.ingest(FILE, target=parse_target("py=3.11/os=mac"))
    assert [found.key.target for found in place.runs()] == [("linux", "3.12"), ("mac", "3.11")]


def test_a_directory_of_something_else_does_not_become_an_area(place: Place) -> None:
    place.file("x", "ci/README")
    with pytest.raises(UsageError, match="is no Megatest area"):
        place.ingest(FILE)
    assert [path.name for path in place.area.path.iterdir()] == ["README"]


def test_hostile_names_stay_inside_the_linktree(place: Place) -> None:
    names = ["../../../../etc/x", "a\nb", "~", "_x", "n" * 5000, "", "é/ü", "system-out.log"]
    items = "".join(
        f'<testcase name="{name.replace(chr(10), "&#10;")}"><failure message="m">of {number}'
        "</failure></testcase>"
        for number, name in enumerate(names)
    )
    place.ingest(
        f'<testsuite name="../..">{items}<system-out>o</system-out></testsuite>', runname=".."
    )
    found = {test.item_path: place.logs(test) for test in place.tests().values()}
    for number, name in enumerate(names):
        assert found[name or "(no name)"] == {"failure.log": f"m\n\nof {number}\n"}
    assert {path.name for path in place.root.iterdir()} == {"ci", "1.xml"}


@pytest.mark.parametrize("moment", ["reading", "written", "committed"])
@pytest.mark.faults
def test_killed_anywhere_the_run_is_there_whole_or_as_it_was(place: Place, moment: str) -> None:
    place.ingest(FILE)
    before = place.tests()
    changed = FILE.replace("1 != 2", "1 != 3")
    paths = [place.file(changed), place.file(changed.replace("t.A", "t.C"))]
    child = os.fork()
    if child == 0:
        _die(moment, place, paths)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    after = place.tests()
    assert after == before or moment == "committed"
    assert place.logs(after["t.A/bad"])["failure.log"].startswith(f"E {after['t.A/bad'].comment}")
    done = place.ingest(*paths, replace=True).done
    assert done == ("unchanged" if moment == "committed" else "replaced")
    outputs = place.area.path / "lt/linux"
    assert len([*outputs.glob("r1*")]) == 1, "what the death left is gone"
    assert place.tests()["t.C/bad"].comment == "1 != 3"


def _die(moment: str, place: Place, paths: list[Path]) -> None:
    def kill(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "written":
        junit.NewRun.add_attributes = kill  # type: ignore[method-assign, assignment]
    if moment == "committed":
        junit.RunOutputs.others = kill  # type: ignore[method-assign, assignment]

    def progress(_what: str, done: int, _total: int) -> None:
        if moment == "reading" and done == 1:
            kill()

    ingest_junit(place.order(*paths, replace=True), {}, progress)
    os._exit(0)


def test_a_long_output_takes_no_memory(place: Place) -> None:
    path = place.root / "long.xml"
    line = "a line of an output that is very long indeed\n" * 2000
    with path.open("w") as file:
        file.write('<testsuite name="s"><testcase name="a"><system-out><![CDATA[')
        for _ in range(900):
            file.write(line)
        file.write("]]></system-out></testcase></testsuite>")
    order = (
        "import sys; from pathlib import Path\n"
        "from mtsite.ingest.junit import *; from mtsite.ingest.place import Target\n"
        "root = Path(sys.argv[1])\n"
        "order = JunitOrder([root / 'long.xml'], AreaConfig('ci', root / 'ci'), Target(('x',)),\n"
        "                   'r', '', 1)\n"
        "ingest_junit(order, {}, lambda *_: None)\n"
        # Not ru_maxrss: a child begins with the peak of its parent.
        "status = Path('/proc/self/status').read_text()\n"
        "print(status.partition('VmHWM:')[2].split()[0])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", order, str(place.root)], capture_output=True, text=True, check=True
    )
    assert path.stat().st_size > 80e6
    assert int(told.stdout) < 70_000
    (log,) = (place.root / "ci/lt").rglob("system-out.log")
    assert log.stat().st_size == 900 * len(line) + 1


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TestSite]:
    place = Place(tmp_path)
    place.ingest(FILE)
    site = TestSite(tmp_path)
    site.write_config({"ci": place.area.path})
    yield site


def test_a_site_shows_what_was_ingested(site: TestSite) -> None:
    assert site.build().problems == []
    page = (site.tree / "ci/linux/r1/t.A/bad/index.html").read_text("utf-8")
    assert "1 != 2" in page
    assert "failure.log" in page
    assert (site.tree / "ci/linux/r1/t.A/bad/_log/failure.log.html").exists()
