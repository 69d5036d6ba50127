"""A task that comes to nothing takes no page away, and the next build makes up for it."""

import shutil
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test
from crawl import crawl
from sites import TestSite, difference, files_of, make_site

from mtsite.build.read import ReadTask, RunRead, RunReader
from mtsite.build.render import RunWriter, RunWritten, WriteTask
from mtsite.build.search import MonthTask, MonthWriter, MonthWritten
from mtsite.build.targets import TargetTask, TargetWriter, TargetWritten


def make(root: Path) -> tuple[TestSite, TestArea]:
    runs = [run("u/v", f"w{n}", [test("t", log="x\n")]) for n in range(3)]
    area = make_area(root, "a", runs=runs)
    (root / "home").mkdir()
    site = make_site(root / "home", area)
    site.build()
    return site, area


def test_a_target_that_could_not_be_written_is_due_at_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, area = make(tmp_path)
    area.add_run(run("u/v", "w3", [test("t", status="FAIL")]))

    def fail(_writer: TargetWriter, _task: TargetTask) -> TargetWritten:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(TargetWriter, "__call__", fail)
        assert site.build().problems == ["target a/u/v: OSError: disk full"]
    assert site.build().problems == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


@pytest.mark.parametrize("run_is_new", [True, False])
def test_nothing_leads_to_a_run_that_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_is_new: bool
) -> None:
    site, area = make(tmp_path)
    failing = test("bad", status="FAIL", log="x\nERROR: no\n")
    if run_is_new:
        area.add_run(run("u/v", "w3", [failing]))
    else:
        area.add_test("w2", failing)
    write = RunWriter.__call__

    def fail(writer: RunWriter, task: WriteTask) -> RunWritten:
        if task.dir.endswith("/w3" if run_is_new else "/w2"):
            raise OSError("disk full")
        return write(writer, task)

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "__call__", fail)
        assert len(site.build().problems) == 1
    assert crawl(site.tree).dead == []
    stub = site.tree / "a/u/v" / ("w3/index.html" if run_is_new else "w2/bad/index.html")
    assert "could not be written by the last build; the next one makes it" in stub.read_text()
    assert site.build().problems == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_run_that_could_not_be_read_keeps_its_pages_where_the_state_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _ = make(tmp_path)
    before = files_of(site.tree)
    shutil.rmtree(site.state)
    read = RunReader.__call__

    def fail(reader: RunReader, task: ReadTask) -> RunRead:
        if task.head.key.runname == "w1":
            raise OSError("no such luck")
        return read(reader, task)

    with monkeypatch.context() as patch:
        patch.setattr(RunReader, "__call__", fail)
        assert site.build().problems == ["run a/u/v/w1: OSError: no such luck"]
    assert before.keys() - files_of(site.tree).keys() == set()
    assert site.build().problems == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


@pytest.mark.parametrize("all_due", [True, False])
def test_a_month_of_the_search_that_could_not_be_written_is_due_at_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_due: bool
) -> None:
    site, area = make(tmp_path)
    area.add_run(run("u/v", "w3", [test("t", status="FAIL")]))

    def fail(_writer: MonthWriter, _task: MonthTask) -> MonthWritten:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(MonthWriter, "__call__", fail)
        assert site.build(full=all_due).problems == ["search of 2023-11: OSError: disk full"]
    assert site.build().problems == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
    assert site.build().written == 0
