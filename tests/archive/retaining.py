"""A site of six runs whose retention ends, and how it is applied."""

import gzip
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, datum, make_area, run, step, test
from crawl import crawl, pages
from putback import MadeOnce
from sites import TestSite, difference, make_site

from mtsite.archive.records import Who
from mtsite.departures import RetainSummary, RetainTerms, apply_retention
from mtsite.terminal import TerminalReport

LOG = "make[1]: error: no rule to make target `x' of {}\n"


def spec(number: int, **columns: object):
    tests = [
        test("compile", status="FAIL", log=LOG.format(number), steps=[step("build", log="same\n")]),
        test("regress", items=["fast", "slow/big"], data=[datum("c", "v", value=1.5, tol=">")]),
    ]
    return run("ubuntu/nfs", f"w{number:02}", tests=tests, **columns)


def make(root: Path) -> tuple[TestArea, TestSite]:
    area = make_area(root, runs=[spec(number) for number in range(6)])
    made = make_site(root, area)
    retain_for(made, area, 'logs = "30d"\npages = "60d"\nrows = "90d"')
    made.build()
    return area, made


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce[tuple[TestArea, TestSite]]:
    return MadeOnce(tmp_path_factory.mktemp("retain"), make)


@pytest.fixture
def both(once: MadeOnce[tuple[TestArea, TestSite]]) -> tuple[TestArea, TestSite]:
    return once.put_back()


@pytest.fixture
def area(both: tuple[TestArea, TestSite]) -> TestArea:
    return both[0]


@pytest.fixture
def site(both: tuple[TestArea, TestSite]) -> TestSite:
    """A built site of six runs, a day apart; none of them is good."""
    return both[1]


def retain_for(site: TestSite, area: TestArea, settings: str) -> None:
    site.write_config(
        {area.name: area.path}, f'[retain]\n{settings}\n[build]\nengine = "inprocess"\n'
    )


def day(number: float) -> int:
    """So many days after the first run."""
    return int(BASE + 3600 + number * DAY)


Apply = Callable[..., RetainSummary]


def apply(site: TestSite, now: int, **terms: bool) -> RetainSummary:
    who = Who("matt", now, "mtsite retain apply")
    return apply_retention(site.config(), RetainTerms(who, **terms), TerminalReport(verbosity=-1))


def w(number: int) -> str:
    return f"fullrun/ubuntu/nfs/w{number:02}"


def text(site: TestSite, path: str) -> str:
    return (site.tree / path).read_text(encoding="utf-8")


def blobs(site: TestSite) -> set[str]:
    found = (site.tree / "_blobs").glob("??/*")
    return {path.relative_to(site.tree).as_posix() for path in found}


def whole(site: TestSite) -> None:
    """No dead link from any page, and the tree is the one that a clean build makes."""
    assert crawl(site.tree, pages(site.tree)).dead == []
    clean = site.build_clean(site.root / "clean")
    assert difference(site.tree, clean) == []
    shutil.rmtree(clean.parent)


def exported_rows(path: Path) -> dict[str, Counter[object]]:
    """Run → its rows, as the file has them: read with nothing but the standard library."""
    found: dict[str, Counter[object]] = {}
    name = ""
    for line in gzip.decompress(path.read_bytes()).splitlines():
        told = json.loads(line)
        if isinstance(told, dict) and "run" in told:
            name = told["run"][2]
            found[name] = Counter()
        elif isinstance(told, list):
            found[name][json.dumps(told)] += 1
    return found
