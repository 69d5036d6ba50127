"""The tree of a small site: which file lies at which address, and where pointers lead."""

from pathlib import Path

import pytest
from areas import TestRow, make_area, run, step, test
from sites import TestSite, files_of, make_site

TARGET = "fullrun/ubuntu/nfs"
RUN = """index.html index.json _values.js compile/index.html compile/_log/final.log.html
compile/_log/build.log.html regress/index.html regress/fast/index.html regress/slow/big/index.html
""".split()
ABOVE = """index.html robots.txt 404.html .nojekyll _rules/index.html _compare/index.html
_hosts/index.html _hosts/h1/index.html _clusters/index.html
_search/index.html _search/2023-11-1.js _search/2023-12-1.js
fullrun/index.html fullrun/ubuntu/index.html fullrun/ubuntu/nfs/index.html
index.json fullrun/index.json fullrun/ubuntu/index.json fullrun/ubuntu/nfs/index.json
fullrun/feed.xml _below.js fullrun/_below.js fullrun/ubuntu/_below.js
fullrun/_nights/2023-11-15.html fullrun/_nights/2023-11-16.html fullrun/_nights/2023-11-17.html
fullrun/_nights/2023-12-07.html""".split()
BESIDE = """_runs/grid-30.html _runs/grid-100.html _runs/grid-2023-11.html _runs/grid-2023-12.html
_runs/grid.csv _runs/grid.json _runs/grid.js _runs/cells.js _runs/2023-11.html _runs/2023-12.html
_tests/compile/index.html
_tests/regress/index.html _tests/regress/fast/index.html _tests/regress/slow/big/index.html
latest.html last-good.html last-failed.html badge.svg feed.xml""".split()
NOVEMBER, DECEMBER = 1_700_000_000, 1_702_000_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    """Good, failed, good, and a month later one that still runs."""
    root = tmp_path_factory.mktemp("tree")
    runs = [
        run("ubuntu/nfs", f"r{n}", rows_of(f"r{n}", status), event_time=NOVEMBER + n * 86400)
        for n, status in enumerate(["PASS", "FAIL", "PASS"], 1)
    ]
    runs.append(run("ubuntu/nfs", "r4", rows_of("r4", "n/a", "RUNNING"), event_time=DECEMBER))
    area = make_area(root, runs=runs)
    (root / "home").mkdir()
    made = make_site(root / "home", area)
    made.build()
    return made


def rows_of(name: str, status: str, state: str = "COMPLETED") -> list[TestRow]:
    log = f"log of {name}\n"
    steps = [step("build", log=f"cc {name}\n")]
    return [
        test("compile", status=status, state=state, log=log, steps=steps),
        test("regress", items=["fast", "slow/big"]),
    ]


def test_every_kind_of_page_lies_at_its_address(site: TestSite) -> None:
    wanted = {*ABOVE, *(f"{TARGET}/{path}" for path in BESIDE)}
    for name in ("r1", "r2", "r3", "r4"):
        wanted |= {f"{TARGET}/{name}/{path}" for path in RUN}
    stored = ("_assets/", "_blobs/", "_record/")
    assert {path for path in files_of(site.tree) if not path.startswith(stored)} == wanted


@pytest.mark.parametrize(
    ("pointer", "name"), [("latest", "r4"), ("last-good", "r3"), ("last-failed", "r2")]
)
def test_a_pointer_leads_to_its_run(site: TestSite, pointer: str, name: str) -> None:
    page = (site.tree / TARGET / f"{pointer}.html").read_text(encoding="utf-8")
    assert f'content="0; url={name}/index.html"' in page


def test_a_month_lists_its_own_runs_only(site: TestSite) -> None:
    pages = site.tree / TARGET / "_runs"
    listed = {
        month: [f"r{n}" for n in range(1, 5) if f'href="../r{n}/index.html"' in text_of(path)]
        for month, path in (("11", pages / "2023-11.html"), ("12", pages / "2023-12.html"))
    }
    assert listed == {"11": ["r1", "r2", "r3"], "12": ["r4"]}


def test_robots_are_kept_out_unless_the_site_lets_them_in(site: TestSite) -> None:
    robots = site.tree / "robots.txt"
    assert "Disallow: /\n" in robots.read_text()
    toml = site.root / "mtsite.toml"
    before = toml.read_text()
    toml.write_text(before.replace("[site]\n", "[site]\nnoindex = false\n"))
    site.build()
    assert "Disallow: /\n" not in robots.read_text()
    toml.write_text(before)
    site.build()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")
