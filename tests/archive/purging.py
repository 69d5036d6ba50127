"""A published site of four runs with words that somebody takes back, and what is left of it."""

import gzip
import shutil
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from crawl import crawl, pages
from putback import MadeOnce
from sites import TestSite, difference, make_site

from mtsite.archive.names import find_run
from mtsite.archive.purge import PurgePlan, plan_run
from mtsite.archive.records import Who
from mtsite.departures import PurgeSummary, RetainTerms, purge
from mtsite.publish.destination import Destination, open_destination
from mtsite.publish.upload import publish_site
from mtsite.terminal import TerminalReport

NOW = BASE + 100 * DAY
SECRET = "customer Umbrella Corp"
RUN = "fullrun/ubuntu/nfs/w1"
SUMS = {"_search", "_clusters"}
SHARED = "the same in every run\n"


def spec(number: int):
    text = f"ERROR: {SECRET} {number}\n" if number < 3 else "ERROR: no\n"
    said = {"testconfig": f"[test_meta]\ndescription w{number} for {SECRET if number < 3 else 0}\n"}
    tests = [
        test("own", status="FAIL", log=text, files=said),
        test("shared", log=SHARED),
        test("plain", comment=f"a comment of w{number}"),
    ]
    return run("ubuntu/nfs", f"w{number}", tests, comment=f"about w{number}")


def make(root: Path) -> tuple[TestArea, TestSite]:
    area = make_area(root, runs=[spec(number) for number in range(4)])
    (root / "home").mkdir()
    made = make_site(root / "home", area)
    configure(made, area, str(root / "www"))
    made.build()
    publish_site(made.config(), now=NOW)
    return area, made


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce[tuple[TestArea, TestSite]]:
    return MadeOnce(tmp_path_factory.mktemp("purge"), make)


@pytest.fixture
def both(once: MadeOnce[tuple[TestArea, TestSite]]) -> tuple[TestArea, TestSite]:
    return once.put_back()


@pytest.fixture
def area(both: tuple[TestArea, TestSite]) -> TestArea:
    return both[0]


@pytest.fixture
def site(both: tuple[TestArea, TestSite]) -> TestSite:
    """A site of four runs as it was published."""
    return both[1]


def www(site: TestSite) -> Path:
    """Where it is published."""
    return site.root.parent / "www"


def configure(site: TestSite, area: TestArea, destination: str, extra: str = "") -> None:
    settings = f'[build]\nengine = "inprocess"\n[publish]\ndestination = "{destination}"\n{extra}'
    site.write_config({area.name: area.path}, settings)


def take_back(site: TestSite, plan: PurgePlan, why: str = "they asked us to") -> PurgeSummary:
    terms = RetainTerms(Who("maria", NOW, "mtsite purge"), environ={})
    return purge(site.config(), plan, terms, why, TerminalReport(verbosity=-1))


def the_run(site: TestSite) -> PurgePlan:
    return plan_run(site.config(), find_run(site.config(), RUN, {}))


def published(destination: Destination) -> dict[str, bytes]:
    """Path → plain content of everything that lies there but the manifest."""
    found = {}
    for stored in destination.list():
        if not stored.path.startswith("_manifest/"):
            there = destination.get(stored.path)
            assert there is not None
            packed = there.content.startswith(b"\x1f\x8b")
            found[stored.path] = gzip.decompress(there.content) if packed else there.content
    return found


def there(site: TestSite) -> dict[str, bytes]:
    settings = site.config().publish
    destination = open_destination(settings.destination, settings)
    try:
        return published(destination)
    finally:
        destination.close()


def folder(path: str) -> str:
    return path.partition("/")[0]


def holding(files: dict[str, bytes], word: str) -> list[str]:
    return sorted(path for path, content in files.items() if word.encode() in content)


def here(site: TestSite) -> dict[str, bytes]:
    files = (path for path in site.tree.rglob("*") if path.is_file())
    return {path.relative_to(site.tree).as_posix(): path.read_bytes() for path in files}


def whole(site: TestSite) -> None:
    assert crawl(site.tree, pages(site.tree)).dead == []
    assert difference(site.tree, site.build_clean(site.root / "clean")) == []
    shutil.rmtree(site.root / "clean")


OWN = '[[redact.own]]\nname = "customer"\nregex = "Umbrella Corp"\n'
