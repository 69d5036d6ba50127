"""Names from strangers: pages exist, links lead there, nothing runs, nothing lands outside."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from areas import make_area, run, test
from browser import headless
from crawl import Crawl, crawl, pages
from hostile import NAMES, TARGET, make_hostile_area
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sites import TestSite, difference, make_site

from mtsite import urls
from mtsite.model import RunKey

AREA_NAME = '"><script>alert(2)</script>/../{{x}}'


@dataclass
class Hostile:
    """A site of two hostile areas, what lay around it before and after, and a crawl over it."""

    site: TestSite
    runs: list[RunKey]
    before: set[str]
    after: set[str]
    found: Crawl

    @property
    def tree(self) -> Path:
        return self.site.tree


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    root = tmp_path_factory.mktemp("hostile")
    area, runs = make_hostile_area(root / "areas")
    named = make_area(root / "areas", "named", runs=[run("u/v", "w1", tests=[test("t")])])
    home = root / "deep" / "deeper" / "home"
    home.mkdir(parents=True)
    site = make_site(home, area)
    name = json.dumps(AREA_NAME)
    title = json.dumps(NAMES[0])
    extra = f'[areas.{name}]\npath = "{named.path}"\ntitle = {title}\ncontact = {title}\n'
    site.write_config({area.name: area.path}, extra)
    before = outside(root, site)
    summary = site.build()
    assert summary.problems == []
    runs = [*runs, RunKey(AREA_NAME, ("u", "v"), "w1")]
    return Hostile(site, runs, before, outside(root, site), crawl(site.tree, pages(site.tree)))


def outside(root: Path, site: TestSite) -> set[str]:
    """Every file and directory that is neither in the tree nor in the state, with its size."""
    own = (f"{site.tree}/", f"{site.state}/")
    paths = (f"{d}/{n}" for d, dirs, names in os.walk(root) for n in (*dirs, *names))
    kept = [path for path in paths if not f"{path}/".startswith(own)]
    return {f"{path} {os.lstat(path).st_size if not os.path.isdir(path) else ''}" for path in kept}  # noqa: PTH112 # names that no Path takes


def test_every_hostile_run_has_its_page_and_twin(hostile: Hostile) -> None:
    for key in hostile.runs:
        assert (hostile.tree / urls.run_page(key)).is_file(), key
        twin = json.loads((hostile.tree / urls.run_twin(key)).read_bytes())
        assert twin["address"] == urls.run_page(key)


def test_every_hostile_level_has_its_page(hostile: Hostile) -> None:
    for key in hostile.runs:
        for depth in range(len(key.target) + 1):
            path = urls.area_page(key.area, key.target[:depth])
            assert (hostile.tree / path).is_file(), path


def test_every_hostile_test_and_item_has_its_page_and_history(hostile: Hostile) -> None:
    many = RunKey("hostile", TARGET, "many")
    for name in [(one, "") for one in NAMES] + [("items", one) for one in NAMES]:
        assert (hostile.tree / urls.test_page(many, name)).is_file(), name
        assert (hostile.tree / urls.history_page("hostile", TARGET, name)).is_file(), name


def test_a_log_of_a_hostile_name_has_its_page(hostile: Hostile) -> None:
    many = RunKey("hostile", TARGET, "many")
    for log in ("<script>alert(1)</script>", "javascript:alert(1)", "new\nline", "bro\udcffken"):
        if "/" not in log:
            assert (hostile.tree / urls.log_page(many, (log, ""), log)).is_file(), log


def test_no_link_in_a_hostile_tree_is_dead(hostile: Hostile) -> None:
    assert hostile.found.dead == []


def test_no_hostile_name_becomes_a_link_to_elsewhere(hostile: Hostile) -> None:
    assert hostile.found.outward == set()


def test_every_page_of_a_hostile_tree_is_reached_from_the_front_page(hostile: Hostile) -> None:
    reached = crawl(hostile.tree).met
    assert set(pages(hostile.tree)) - reached == {"404.html"}


def test_no_page_holds_code_of_its_own(hostile: Hostile) -> None:
    assert hostile.found.scripts == []


def test_every_page_forbids_code_of_its_own(hostile: Hostile) -> None:
    for path in pages(hostile.tree):
        head = (hostile.tree / path).read_text(encoding="utf-8").partition("</head>")[0]
        assert "Content-Security-Policy" in head, path
        assert "unsafe-" not in head, path


def test_nothing_is_created_outside_the_output(hostile: Hostile) -> None:
    assert hostile.after == hostile.before


def test_every_path_of_a_hostile_tree_is_plain_and_short(hostile: Hostile) -> None:
    for directory, dirs, names in os.walk(hostile.tree):
        for name in (*dirs, *names):
            path = Path(directory, name).relative_to(hostile.tree).as_posix()
            assert path.isascii() and path.isprintable() and " " not in path
            assert len(path) <= urls.PATH_BYTES + len("_record/")
            assert len(name) <= urls.SEGMENT_BYTES + len(".html")


def test_a_hostile_tree_equals_its_clean_build(hostile: Hostile, tmp_path: Path) -> None:
    hostile.site.build()
    assert difference(hostile.tree, hostile.site.build_clean(tmp_path / "clean")) == []


def test_two_names_that_share_an_address_leave_one_page(tmp_path: Path) -> None:
    """An empty key value is published as x, as Megatest's own clean-up writes it."""
    area = make_area(tmp_path)
    area.add_run(run("/nfs", "w1", tests=[test("old")], sysname=""))
    area.add_run(run("x/nfs", "w1", tests=[test("new")]))
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    assert site.build().runs == 1
    assert crawl(site.tree, pages(site.tree)).dead == []
    key = RunKey("fullrun", ("x", "nfs"), "w1")
    assert "new" in (site.tree / urls.run_page(key)).read_text()
    notice = (site.tree / urls.area_page("fullrun")).read_text()
    assert "stands 2 times in the databases" in notice


TEXTS = st.text(
    st.one_of(
        st.sampled_from("./~_%#?&<>\"'\\: \n\t\r\0-xX{}\u202e\u0301"), st.characters(codec="utf-8")
    ),
    max_size=60,
)


@pytest.mark.slow
@settings(
    max_examples=8,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(TEXTS | TEXTS.map(lambda t: t * 9), min_size=1, max_size=12, unique=True))
@example(["", "x", "X", "~", ".", "..", "a", "A", "a/", "/a"])
def test_any_names_make_a_whole_site(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        area, runs = make_hostile_area(root / "areas", names=names)
        (root / "home").mkdir()
        site = make_site(root / "home", area)
        before = outside(root, site)
        assert site.build().problems == []
        assert outside(root, site) == before
        assert crawl(site.tree, pages(site.tree)).dead == []
        assert [key for key in runs if not (site.tree / urls.run_page(key)).is_file()] == []


# -- in a browser


chromium = pytest.fixture(headless.fixture, scope="module", name="chromium")


def _kinds() -> dict[str, list[str]]:
    """Page kind → pages whose every place holds a name that wants to run."""
    many = RunKey("hostile", TARGET, "many")
    script = "<script>alert(1)</script>"
    image = "<img src=x onerror=alert(1)>"
    return {
        "index": ["index.html"],
        "area": [urls.area_page("hostile"), urls.area_page(AREA_NAME)],
        "level": [urls.area_page("hostile", (one,)) for one in (script, image)],
        "target": [urls.area_page("hostile", TARGET), urls.area_page("hostile", (script, "nfs"))],
        "month": [urls.month_page("hostile", TARGET, "2023-11")],
        "run": [urls.run_page(many), urls.run_page(RunKey("hostile", TARGET, script))],
        "test": [
            urls.test_page(many, (one, "")) for one in (*NAMES[:8], "a?b#c", "\u202eright to left")
        ]
        + [urls.test_page(many, ("items", "")), urls.test_page(many, ("items", script))],
        "log": [urls.log_page(many, (script, ""), "final.log")],
        "history": [urls.history_page("hostile", TARGET, (one, "")) for one in NAMES[:5]],
        "redirect": [urls.pointer_page("hostile", (script, "nfs"), "latest")],
    }


@pytest.mark.browser
@pytest.mark.parametrize("kind", sorted(_kinds()))
def test_nothing_runs_on_a_hostile_page(chromium: Any, hostile: Hostile, kind: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    trouble: list[str] = []
    page.on("dialog", lambda d: (trouble.append(f"dialog {d.message}"), d.dismiss()))
    page.on("pageerror", lambda error: trouble.append(f"error {error}"))
    page.on(
        "console",
        lambda m: trouble.append(f"{m.type} {m.text}") if m.type in {"error", "warning"} else None,
    )
    root = hostile.tree.as_uri() + "/"
    page.on("request", lambda r: None if r.url.startswith(root) else trouble.append(r.url))
    for path in _kinds()[kind]:
        assert (hostile.tree / path).is_file(), path
        page.goto((hostile.tree / path).as_uri(), wait_until="load")
        # A locator waits for the page that a redirect leads to; evaluate would die under way.
        assert page.locator("main script, main svg[onload]").count() == 0, path
    context.close()
    assert trouble == []
