"""What one new run costs: which files it may change, and that their number does not grow."""

import re
from pathlib import Path

import pytest
from areas import make_area, run, test
from sites import files_of, make_site

from mtsite.build import grids

TARGET = "ubuntu/nfs"
OTHER = "suse/zfs"
LISTED = (
    r"fullrun/ubuntu/nfs/new/.*",  # its own objects
    r"_record/fullrun/ubuntu/nfs/new/_run\.json",
    r"_blobs/../[0-9a-f]{64}\.log",
    r"fullrun/ubuntu/nfs/last/index\.html",  # the run before it, and its record: it is sealed now
    r"_record/fullrun/ubuntu/nfs/last/_run\.json",
    r"index\.(html|json)",  # the levels above, each with its twin
    r"fullrun/index\.(html|json)",
    r"fullrun/ubuntu/index\.(html|json)",
    r"fullrun/ubuntu/nfs/index\.(html|json)",  # the target's grid, current month and pointers
    r"fullrun/ubuntu/nfs/_runs/2023-11\.html",
    r"fullrun/ubuntu/nfs/_runs/grid-(30|100|2023-11(-b\d+)?)\.html",
    r"fullrun/ubuntu/nfs/_runs/(grid\.json|grid\.csv|grid\.js|cells\.js)",  # its shards
    r"_hosts/(index|h1/index)\.html",  # its host, and the list of all
    r"fullrun/_nights/2023-11-\d\d\.html",  # all targets of this night
    r"fullrun/ubuntu/nfs/latest\.html",
    r"fullrun/ubuntu/nfs/last-failed\.html",
    r"fullrun/ubuntu/nfs/(badge\.svg|feed\.xml)",  # its badge and feed, and that of the area
    r"fullrun/feed\.xml",
    r"_clusters/([0-9a-f]{2}|index)\.html",  # shelves of the failures that it has, and the newest
    r"_search/2023-11-1\.js",  # what of this month is searched
    r"fullrun/ubuntu/nfs/_tests/flips/index\.html",  # the history of a test whose verdict changed
)


def changed_by_one_new_run(root: Path, earlier: int) -> set[str]:
    """Paths that differ after a run in which one of three tests went from good to bad."""
    root.mkdir()
    area = make_area(root)
    hour = 3600
    for number in range(earlier - 1, -1, -1):
        name = "last" if number == 0 else f"r{number:03d}"
        when = 1_700_600_000 - number * hour * 3
        tests = [test("stays", log="fine\n"), test("flips", log=f"{name}\n"), test("third")]
        area.add_run(run(TARGET, name, tests, event_time=when))
    area.add_run(run(OTHER, "elsewhere", [test("stays")], event_time=1_699_000_000))
    (root / "home").mkdir()
    site = make_site(root / "home", area)
    site.build()
    before = files_of(site.tree)
    failing = [
        test("stays", log="fine\n"),
        test("flips", status="FAIL", log="ERROR: broken\n"),
        test("third"),
    ]
    area.add_run(run(TARGET, "new", failing, event_time=1_700_600_000 + 5 * hour))
    site.build()
    after = files_of(site.tree)
    assert before.keys() <= after.keys()
    return {path for path, content in after.items() if before.get(path) != content}


@pytest.fixture(scope="module")
def changed_after_10(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return changed_by_one_new_run(tmp_path_factory.mktemp("ten") / "x", 10)


def test_a_new_run_changes_only_what_the_design_lists(changed_after_10: set[str]) -> None:
    allowed = re.compile("|".join(LISTED))
    assert [path for path in sorted(changed_after_10) if not allowed.fullmatch(path)] == []


def test_a_new_run_changes_its_ancestors_and_its_predecessor(changed_after_10: set[str]) -> None:
    assert {
        "index.html",
        "fullrun/ubuntu/nfs/index.html",
        "fullrun/ubuntu/nfs/last/index.html",
        "fullrun/ubuntu/nfs/_tests/flips/index.html",
        "fullrun/ubuntu/nfs/latest.html",
    } <= changed_after_10


def test_as_many_files_change_after_300_runs_as_after_10(
    tmp_path: Path, changed_after_10: set[str]
) -> None:
    changed = changed_by_one_new_run(tmp_path / "x", 300)
    assert unhashed(changed) == unhashed(changed_after_10)


def test_a_new_block_of_a_month_changes_the_block_before_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grids, "BLOCK_RUNS", 3)
    changed = changed_by_one_new_run(tmp_path / "x", 9)
    blocks = [path for path in sorted(changed) if "/grid-2023" in path]
    assert [path.rpartition("grid-")[2] for path in blocks] == [
        "2023-11-b3.html",
        "2023-11-b4.html",
    ]


def unhashed(paths: set[str]) -> list[str]:
    """Of a month with more than 100 runs the last block of its grid is the one that changes."""
    plain = (re.sub(r"(grid-\d+-\d+)-b\d+", r"\1", path) for path in paths)
    return sorted(re.sub(r"_blobs/.*", "_blobs", path) for path in plain)
