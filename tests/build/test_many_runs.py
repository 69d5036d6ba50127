"""Listings of very many runs: no page grows with them, and old ones don't change."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sites import files_of

from mtsite.build.kinds import KINDS
from mtsite.build.levels import write_area, write_root
from mtsite.build.nodes import AreaWords, TargetNode, Tree
from mtsite.build.pen import Look, Pen, load_theme
from mtsite.build.targets import TargetTask, TargetWriter
from mtsite.known import KnownRun
from mtsite.manifest import Manifest
from mtsite.model import FirstFailure, RunKey, RunSummary, State, Status
from mtsite.pages.page import SiteFrame
from mtsite.urls import run_dir

UTC_FRAME = SiteFrame("Nightly")
BASE, DAY = 1_700_000_000, 86_400
LARGEST = 300_000
TARGETS = [("rhel9", f"pool{n:03d}") for n in range(150)]
BUSY, NIGHTLY = TARGETS[0], TARGETS[1]
"""2,000 runs in one month; three years of nightlies."""


def summary(target: tuple[str, ...], number: int, when: int) -> RunSummary:
    failures = (FirstFailure("sim", "", "F", "ERROR: " + "x" * 200),)
    return RunSummary(
        *(
            RunKey("a", target, f"run{number:05d}"),
            when,
            when + 900,
            "matt",
            "a comment",
            "nightly",
        ),
        *(State("new"), Status("n/a"), {"F": 2, "P": 40}, "F", failures, 1, 1, 0),
    )


def note(manifest: Manifest, target: tuple[str, ...], number: int, when: int) -> None:
    one = summary(target, number, when)
    known = KnownRun(run_dir(one.key), one.key, "a", when, "x", sealed=True, input="")
    manifest.note_run(known, one, None)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Look]:
    """The listing pages of these runs from their summaries, without the runs' own pages."""
    root = tmp_path_factory.mktemp("many")
    theme = load_theme((), root / "templates")
    recipes = {kind.TEMPLATE: theme.recipe(kind.TEMPLATE) for kind in KINDS}
    look = Look((), root / "templates", UTC_FRAME, recipes)
    with Manifest.open(root / "state") as manifest:
        for number in range(2000):
            note(manifest, BUSY, number, BASE + number * 600)
        for number in range(1095):
            note(manifest, NIGHTLY, number, BASE - number * DAY)
        for target in TARGETS[2:]:
            note(manifest, target, 0, BASE)
        manifest.commit()
    write(root / "site", root / "state", look)
    return root / "site", root / "state", look


def write(site: Path, state: Path, look: Look) -> None:
    writer = TargetWriter(site, state, look)
    written = [writer(TargetTask("a", target, ("os", "pool"))) for target in TARGETS]
    nodes = {("a", one.values): TargetNode.decode(one.node) for one in written}
    with Manifest.open(state) as manifest:
        tree = Tree(nodes, {"a": AreaWords(("os", "pool"))}, ZoneInfo("UTC"))
        write_area(Pen(site, look, "area:a", {}), manifest, tree, "a", None)
        write_root(Pen(site, look, "site", {}), [tree.node("a")], ends=False, pushed=False)


def test_no_listing_grows_beyond_its_bound(built: tuple[Path, Path, Look]) -> None:
    pages = {path: len(content) for path, content in files_of(built[0]).items()}
    html = {path: size for path, size in pages.items() if path.endswith(".html")}
    assert max(html.values()) < LARGEST
    assert "a/rhel9/_all/1.html" in html
    assert sum(path.startswith("a/rhel9/pool001/_runs/") for path in html) >= 36


def test_every_run_of_a_busy_month_is_listed_once(built: tuple[Path, Path, Look]) -> None:
    months = sorted((built[0] / "a/rhel9/pool000/_runs").glob("*.html"))
    text = "".join(path.read_text(encoding="utf-8") for path in months)
    assert [text.count(f'href="../run{n:05d}/index.html"') for n in range(2000)] == [1] * 2000


def test_one_more_run_of_a_busy_month_changes_the_month_alone(
    built: tuple[Path, Path, Look],
) -> None:
    site, state, look = built
    before = files_of(site)
    with Manifest.open(state) as manifest:
        note(manifest, BUSY, 2000, BASE + 2000 * 600)
        manifest.commit()
    TargetWriter(site, state, look)(TargetTask("a", BUSY, ("os", "pool")))
    after = files_of(site)
    changed = {path for path, content in after.items() if before.get(path) != content}
    months = {path for path in changed if "/_runs/20" in path}
    assert months - (changed - before.keys()) == {"a/rhel9/pool000/_runs/2023-11.html"}
    assert len(months - before.keys()) <= 1
