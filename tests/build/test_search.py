"""The shards of the search: one new run changes one, a backfill those after it, nothing lost."""

import random
from pathlib import Path
from typing import Any

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from shards import read_shard
from sites import TestSite, difference, files_of, make_site

from mtsite import urls
from mtsite.pages import search

MONTH = 30 * DAY


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    return make_area(tmp_path, "chips")


@pytest.fixture
def site(tmp_path: Path, area: TestArea, monkeypatch: pytest.MonkeyPatch) -> TestSite:
    """A site in which some three runs fill a shard."""
    monkeypatch.setattr(search, "USUAL_BYTES", 800)
    (tmp_path / "home").mkdir()
    return make_site(tmp_path / "home", area)


def add(area: TestArea, name: str, when: int, *tests: Any) -> None:
    broken = test("a", status="FAIL", log=f"ERROR: {name} broke\n", host="h1")
    area.add_run(run("u/v", name, tests or [broken, test("b")], event_time=when))


def shards(site: TestSite) -> dict[str, bytes]:
    return {
        path.removeprefix("_search/"): content
        for path, content in files_of(site.tree).items()
        if path.startswith("_search/") and path.endswith(".js")
    }


def runs_in(site: TestSite) -> dict[str, list[str]]:
    return {
        name: [row[1] for row in read_shard(one)["runs"]]
        for name, one in sorted(shards(site).items())
    }


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def test_a_new_run_changes_the_newest_shard_and_a_full_one_opens_another(
    site: TestSite, area: TestArea
) -> None:
    add(area, "r0", BASE)
    site.build()
    opened = 0
    for number in range(1, 9):
        before = shards(site)
        page = (site.tree / urls.search_page()).read_bytes()
        add(area, f"r{number}", BASE + number * 3600)
        site.build()
        (name,) = changed(before, shards(site))
        assert name == max(shards(site))
        opened += name not in before
        assert (page == (site.tree / urls.search_page()).read_bytes()) is (name in before)
    assert opened > 1
    assert [name for names in runs_in(site).values() for name in names] == [
        f"r{number}" for number in range(9)
    ]


def test_a_run_that_comes_late_changes_no_shard_before_it(site: TestSite, area: TestArea) -> None:
    for number in range(8):
        add(area, f"r{number}", BASE + number * 3600)
    add(area, "next", BASE + MONTH)
    site.build()
    before = shards(site)
    add(area, "late", BASE + 5 * 3600 + 60)
    site.build()
    moved = changed(before, shards(site))
    assert moved and "2023-11-1.js" not in moved
    assert not any(name.startswith("2023-12") for name in moved)


def test_what_is_searched_of_a_run_is_what_its_pages_say(site: TestSite, area: TestArea) -> None:
    add(area, "r0", BASE)
    site.build()
    told = read_shard(shards(site)["2023-11-1.js"])
    assert told["names"] == ["0a", "0b"]
    assert told["runs"][0][9] == "FP"
    assert told["hosts"][told["runs"][0][11][0]][0] == "h1"
    ((text, _, name, tests, runs, log, line, *_),) = told["lines"]
    assert (text, name, tests, runs, line) == ("ERROR: r0 broke", 0, 1, 1, 1)
    page = f"{told['targets'][0][0]}/r0/a/_log/{log}.html"
    assert (site.tree / page).is_file()


def test_secrets_are_in_no_shard(site: TestSite, area: TestArea) -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    tests = [test("a", status="FAIL", log=f"ERROR: key {secret}\n"), test("b", comment=secret)]
    area.add_run(run("u/v", "r0", tests, event_time=BASE, comment=f"with {secret}"))
    site.build()
    assert all(secret.encode() not in content for content in shards(site).values())


def test_a_run_without_rows_stays_as_its_row_alone(site: TestSite, area: TestArea) -> None:
    add(area, "r0", BASE)
    add(area, "r1", BASE + 60)
    site.build()
    area.drop_run("r0")
    site.build(allow_drop=True)
    rows = read_shard(shards(site)["2023-11-1.js"])["runs"]
    assert [(row[1], row[4], row[9]) for row in rows] == [("r0", "x", ""), ("r1", "F", "FP")]


def test_a_build_with_nothing_new_writes_nothing(site: TestSite, area: TestArea) -> None:
    add(area, "r0", BASE)
    site.build()
    assert site.build().written == 0


@pytest.mark.parametrize("seed", range(2))
def test_whatever_happens_the_shards_are_those_of_a_clean_build(
    tmp_path: Path, site: TestSite, area: TestArea, seed: int
) -> None:
    chance = random.Random(seed)
    names: list[str] = []
    made = 0
    for _ in range(5):
        for _ in range(chance.randint(0, 3)):
            made += 1
            names.append(f"r{made}")
            add(area, names[-1], BASE + chance.randint(0, 60) * DAY)
        if names and chance.random() < 0.4:
            area.drop_run(names.pop(chance.randrange(len(names))))
        if names and chance.random() < 0.5:
            new_owner = (
                "UPDATE runs SET owner = 'x', last_update = last_update + 9 WHERE runname = ?"
            )
            area.execute(new_owner, (chance.choice(names),))
        site.build(allow_drop=True)
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
