"""What real runners write, and what `junitparser` counts in it."""

import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest
from areas_read import read
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite
from sites import silent

from mtsite.config import AreaConfig
from mtsite.ingest.junit import IngestSummary, JunitOrder, ingest_junit
from mtsite.ingest.place import Target
from mtsite.megatest.merge import list_areas

DATA = Path(__file__).parents[1] / "data/junit"
FILES = sorted(path.name for path in DATA.iterdir() if path.suffix != ".md")
NOT_RUN = {"disabled", "notrun"}
LIVE = """
import unittest
import pytest

class TestOld(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.assertEqual(1, 2)
    @unittest.skip("not today")
    def test_skipped(self): pass

@pytest.fixture
def no_disk(): raise OSError("no disk")
def test_broken(no_disk): pass

@pytest.fixture
def no_end():
    yield
    raise OSError("no end")
def test_broken_late(no_end): pass

@pytest.mark.xfail
def test_expected(): assert 0

@pytest.mark.parametrize("value", ["", "a/b", "<&>", "\\x1b[0m", "é"])
def test_odd(value, record_property):
    record_property("value", value)
    print("said", value)
    assert value != "<&>"
"""


def ingest(root: Path, *paths: Path) -> IngestSummary:
    area = AreaConfig(name="ci", path=root / "ci")
    return ingest_junit(JunitOrder(paths, area, Target(("x",)), "r", "", 1), {}, silent)


def counted(paths: list[Path]) -> tuple[Counter[str], float]:
    """What junitparser finds, by its own kinds of outcome."""
    found: Counter[str] = Counter()
    seconds = 0.0
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = JUnitXml.fromfile(str(path))
        for item in _items(document):
            kinds = {type(one) for one in item.result}
            if item._elem.get("status") in NOT_RUN:
                # CTest and GoogleTest count it as disabled; junitparser does not look.
                kinds.add(Skipped)
            seconds += item.time or 0
            worst = next((kind for kind in (Error, Failure, Skipped) if kind in kinds), None)
            found[worst.__name__ if worst else "Passed"] += 1
    return found, seconds


def _items(node):
    """Items of all depths: junitparser itself looks at one."""
    groups = [node] if isinstance(node, TestSuite) else list(node)
    for group in groups:
        if not isinstance(group, TestSuite):
            yield group
            continue
        yield from iter(group)
        yield from (item for inner in group.testsuites() for item in _items(inner))


def check(root: Path, *paths: Path) -> IngestSummary:
    done = ingest(root, *paths)
    files = [file for path in paths for file in ([path] if path.is_file() else path.glob("*.xml"))]
    totals = done.totals
    ours = {
        "Passed": totals.passed,
        "Failure": totals.failed,
        "Error": totals.error,
        "Skipped": totals.skipped,
    }
    theirs, seconds = counted(files)
    assert {kind: count for kind, count in ours.items() if count} == theirs
    assert totals.seconds == pytest.approx(seconds, abs=1e-6)
    (listing,) = list_areas([AreaConfig(name="ci", path=root / "ci")], {})
    assert len(listing.heads) == 1
    return done


@pytest.mark.parametrize("name", FILES)
def test_totals_of_real_files_equal_those_of_junitparser(tmp_path: Path, name: str) -> None:
    if name == "node-minimist.xml":
        # junitparser takes items outside of any group for groups.
        done = ingest(tmp_path, DATA / name)
        assert done.totals.passed == (DATA / name).read_text().count("<testcase")
        return
    assert check(tmp_path, DATA / name).totals.items > 2


def test_what_pytest_writes_now_is_counted_as_junitparser_does(tmp_path: Path) -> None:
    (tmp_path / "test_live.py").write_text(LIVE, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null",
         "-o", "junit_logging=all", "--rootdir=.", "--junitxml=live.xml", "test_live.py"],
        cwd=tmp_path, check=False, capture_output=True,
    )  # fmt: skip
    totals = check(tmp_path, tmp_path / "live.xml").totals
    assert (totals.items, totals.error, totals.failed, totals.skipped) == (11, 2, 2, 2)


def test_attempts_of_nextest_are_steps_and_its_last_word_counts(tmp_path: Path) -> None:
    totals = check(tmp_path, DATA / "nextest-counter.xml").totals
    assert (totals.items, totals.passed, totals.failed) == (10, 5, 5)
    (listing,) = list_areas([AreaConfig(name="ci", path=tmp_path / "ci")], {})
    tests = {test.item_path: test for test in read(listing.heads[0]).tests if test.item_path}
    second, third = tests["passes_at_the_second"], tests["passes_at_the_third"]
    assert (second.status, [step.status for step in second.steps]) == ("WARN", ["1", "0"])
    assert (third.status, [step.status for step in third.steps]) == ("WARN", ["1", "1", "0"])
    assert second.comment.startswith("passed at attempt 2; before: thread 'passes_at_the_second'")
    comments = {name: tests[name].comment for name in ("aborts", "leaves", "takes_too_long")}
    assert comments == {
        "aborts": "process aborted with signal 6 (SIGABRT)",
        "leaves": "test failure with exit code 7",
        "takes_too_long": "test timeout",
    }
    assert {len(tests[name].steps) for name in comments} == {3}
    assert tests["tests::adds"].status == "PASS"
