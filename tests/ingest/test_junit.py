"""`ingest junit`: what a file becomes in a real area."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ingest.junit_files import FILE, Place
from ingest.junit_files import place as place
from sites import TestSite

from mtsite.ingest.place import parse_target
from mtsite.megatest.area import open_area


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


def test_a_target_may_name_its_keys_in_any_order(place: Place) -> None:
    place.ingest(FILE, target=parse_target("os=linux/py=3.12"))
    place.ingest(FILE, target=parse_target("py=3.11/os=mac"))
    assert [found.key.target for found in place.runs()] == [("linux", "3.12"), ("mac", "3.11")]


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
