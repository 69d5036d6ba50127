"""Whoever does the work, the tree is the same, byte for byte; workers may die meanwhile."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from areas import make_area, run, step, test
from cluster import Cluster, cluster
from sites import TestSite, difference, make_site, silent

from mtsite.build.site import build_site
from mtsite.build.state import BuildSummary
from mtsite.engines.engine import Outcome, open_engine
from mtsite.engines.processes import Processes

T = TypeVar("T")
R = TypeVar("R")


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("dask")) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path) -> TestSite:
    area = make_area(tmp_path)
    for number in range(24):
        status = "FAIL" if number % 3 else "PASS"
        tests = [
            test("a", status=status, host=f"h{number % 4}", log=f"ERROR: {number}\n"),
            test("b", items=["x", "y/z"], steps=[step("s", log="go\n")]),
        ]
        area.add_run(run(("ubuntu/nfs", "suse/zfs")[number % 2], f"r{number:02}", tests))
    (tmp_path / "home").mkdir()
    return make_site(tmp_path / "home", area)


def build(site: TestSite, engine: str, scheduler: str = "") -> BuildSummary:
    opened = open_engine(engine, 2, scheduler)
    try:
        return build_site(site.config(), opened, silent, environ={})
    finally:
        opened.close()


def kill_one_when_pages_come(dask: Cluster, tree: Path) -> None:
    while not list(tree.glob("*/*/*/r*/a/index.html")):
        time.sleep(0.01)
    dask.workers[0].kill()


def clean(summary: BuildSummary) -> BuildSummary:
    assert summary.problems == []
    return summary


def test_two_processes_build_the_tree_of_one(site: TestSite, tmp_path: Path) -> None:
    clean(build(site, "processes"))
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_cluster_builds_it_though_a_worker_is_killed_and_templates_change(
    site: TestSite, dask: Cluster, tmp_path: Path
) -> None:
    killer = threading.Thread(target=kill_one_when_pages_come, args=(dask, site.tree))
    killer.start()
    clean(build(site, "dask", str(dask.file)))
    killer.join()
    assert len(dask.living()) == 1
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
    own = site.root / "templates"
    own.mkdir()
    block = "{% block main %}{{ super() }}<p>edited</p>{% endblock %}"
    (own / "test.html").write_text(f'{{% extends "mtsite/test.html" %}}{block}')
    # The workers are those that have the theme loaded as it was.
    assert clean(build(site, "dask", str(dask.file))).rendered > 0
    assert difference(site.tree, site.build_clean(tmp_path / "again")) == []


def test_workers_share_the_pages_of_one_run(tmp_path: Path) -> None:
    area = make_area(tmp_path)
    area.add_run(run("ubuntu/nfs", "old", [test(f"t{n:03}", log="fine\n") for n in range(120)]))
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    clean(build(site, "processes"))
    tests = [test(f"t{n:03}", log="fine\n") for n in range(119)]
    tests.append(test("t119", status="FAIL", log="fine\nERROR: broken\n"))
    area.add_run(run("ubuntu/nfs", "new", tests, event_time=1_700_600_000))
    engine = Counting(2)
    try:
        summary = clean(build_site(site.config(), engine, silent, environ={}))
    finally:
        engine.close()
    assert engine.asked["RunWriter.write_part"] == 2
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
    pages = [path for path in site.tree.rglob("*.html") if "/new/" in str(path)]
    assert len(pages) == 241
    assert 241 <= summary.rendered < 300


class Counting(Processes):
    """Counts the tasks of each kind of work."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.asked: Counter[str] = Counter()

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[Outcome[T, R]]:
        """The same, counted."""
        counted = list(tasks)
        self.asked[getattr(work, "__qualname__", type(work).__name__)] += len(counted)
        return super().map(work, counted)
