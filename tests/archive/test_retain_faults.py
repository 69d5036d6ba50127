"""Real deaths of retention: SIGKILL at every step of letting rows go, at random instants, no room.

After each death every row is in its database or in an export that reads back, and no page leads
nowhere; one more call ends as a call that nobody killed.
"""

import os
import random
import resource
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, datum, make_area, run, step, test
from crawl import crawl, pages
from dying import ended, in_child
from rows import runs_in
from sites import TestSite, files_of, make_site

from mtsite.archive.exports import read_export
from mtsite.archive.records import Who
from mtsite.archive.rows import RowsJob, let_go_rows
from mtsite.departures import RetainTerms, apply_retention
from mtsite.errors import VerificationError
from mtsite.model import RunKey
from mtsite.terminal import TerminalReport

pytestmark = pytest.mark.faults

NOW = BASE + 92 * DAY
KEYS = [RunKey("fullrun", ("ubuntu", "nfs"), f"w{number}") for number in range(2)]
RANDOM_DEATHS = 8


class Place:
    """One built site, put back before every death."""

    def __init__(self, root: Path) -> None:
        tests = [
            test("compile", status="FAIL", log="error: no\n", steps=[step("build")]),
            test("regress", items=["fast"], data=[datum("c", "v")]),
        ]
        self.root = root
        self.area: TestArea = make_area(
            root, runs=[run("ubuntu/nfs", f"w{number}", tests) for number in range(4)]
        )
        self.site: TestSite = make_site(root, self.area)
        settings = '[retain]\nlogs = "30d"\npages = "60d"\nrows = "90d"\n'
        self.site.write_config(
            {self.area.name: self.area.path}, f'{settings}[build]\nengine = "inprocess"\n'
        )
        self.site.build()
        self.model = runs_in(self.area.database)
        self.tests = self.exported_tests(self.area)
        self.kept = root / "kept"
        for name in ("fullrun", "site", ".mtsite"):
            shutil.copytree(root / name, self.kept / name, symlinks=True)

    def put_back(self) -> None:
        shutil.rmtree(self.root / "exports", ignore_errors=True)
        for name in ("fullrun", "site", ".mtsite"):
            shutil.rmtree(self.root / name)
            shutil.copytree(self.kept / name, self.root / name, symlinks=True)

    def exported_tests(self, area: TestArea) -> Counter[object]:
        sql = "SELECT runname, testname, item_path FROM tests JOIN runs ON runs.id = run_id"
        return Counter(area.execute(sql))

    def apply(self) -> None:
        who = Who("matt", NOW, "mtsite retain apply")
        terms = RetainTerms(who, allow_drop=True, environ={})
        apply_retention(self.site.config(), terms, TerminalReport(verbosity=-1))

    def saved(self) -> Counter[object]:
        """The tests that exports have, in files that read back as far as they go."""
        found: Counter[object] = Counter()
        for path in (self.root / "exports").glob("*.jsonl.gz"):
            try:
                for one in read_export(path):
                    columns = one.columns["tests"]
                    name, item = columns.index("testname") + 1, columns.index("item_path") + 1
                    for row in one.rows["tests"]:
                        found[(one.key.runname, row[name], row[item])] = 1
            except VerificationError:
                continue
        return found

    def assert_no_hole(self) -> None:
        assert self.exported_tests(self.area) | self.saved() == self.tests
        # A log that has ended is a small page without lines. Until the pages above it are made
        # again, which the next build does, they name a line of it: the link still leads there.
        dead = crawl(self.site.tree, pages(self.site.tree)).dead
        assert [told for told in dead if ": no id #L" not in told] == []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("place"))


def let_go(place: Place, checkpoint: Callable[[str], None]) -> list[str]:
    job = RowsJob(place.site.config(), NOW, environ={}, checkpoint=checkpoint)
    return [one.reason for one in let_go_rows(job, KEYS)]


def test_killed_at_every_step_of_letting_rows_go(place: Place) -> None:
    place.put_back()
    steps: list[str] = []
    assert let_go(place, steps.append) == ["", ""]
    for number in range(len(steps)):
        place.put_back()
        seen: list[str] = []

        def die(where: str, number: int = number, seen: list[str] = seen) -> None:
            seen.append(where)
            if len(seen) > number:
                os.kill(os.getpid(), signal.SIGKILL)

        assert ended(in_child(lambda die=die: let_go(place, die))) == -signal.SIGKILL
        place.assert_no_hole()
        assert let_go(place, lambda _: None) == ["", ""]
        assert [name[-1] for name in runs_in(place.area.database)] == ["w2", "w3"]


@pytest.mark.slow
def test_killed_at_random_instants(place: Place) -> None:
    place.put_back()
    place.apply()
    wanted = {p: c for p, c in files_of(place.site.tree).items() if "_gone/" not in p}
    dice = random.Random(5)
    place.put_back()
    started = time.monotonic()
    assert ended(in_child(place.apply)) == 0
    whole_call = time.monotonic() - started
    for _ in range(RANDOM_DEATHS):
        place.put_back()
        pid = in_child(place.apply)
        time.sleep(dice.uniform(0, whole_call))
        os.kill(pid, signal.SIGKILL)
        ended(pid)
        place.assert_no_hole()
        place.apply()
        found = {p: c for p, c in files_of(place.site.tree).items() if "_gone/" not in p}
        assert found.keys() == wanted.keys()
        assert crawl(place.site.tree, pages(place.site.tree)).dead == []
        assert [name[-1] for name in runs_in(place.area.database)] == ["w2", "w3"]


@pytest.mark.parametrize(
    "step",
    [
        *("site.write_gone", "site.write_runs"),
        *("around.write_nights", "around.write_leaving", "around._write_levels"),
    ],
)
def test_killed_between_two_steps_of_making_the_pages(
    place: Place, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put_back()
    place.apply()
    wanted = files_of(place.site.tree).keys()
    place.put_back()
    with monkeypatch.context() as patched:
        patched.setattr(
            f"mtsite.build.{step}",
            lambda *_: os.kill(os.getpid(), signal.SIGKILL),
        )
        assert ended(in_child(place.apply)) == -signal.SIGKILL
    place.apply()
    assert files_of(place.site.tree).keys() == wanted


def test_no_room_for_the_export_takes_no_row_away(place: Place) -> None:
    place.put_back()

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, resource.RLIM_INFINITY))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        assert all("can't be written" in reason for reason in let_go(place, lambda _: None))

    assert ended(in_child(work)) == 0
    assert runs_in(place.area.database) == place.model
