"""The past of measured values on test pages: frozen with its run, alike in any order of builds."""

import re
from dataclasses import replace
from pathlib import Path

from areas import BASE, DAY, RunRow, TestArea, datum, make_area, run, test
from sites import difference, make_site

from mtsite import record
from mtsite.model import RunKey

PAGE = "fullrun/ubuntu/nfs/{}/timing/index.html"


def night(number: int, value: object) -> RunRow:
    data = [datum("t", "slack", value=value, expected=0, tol=1), datum("t", "note", value="text")]
    return run(
        "ubuntu/nfs", f"r{number}", [test("timing", data=data)], event_time=BASE + number * DAY
    )


def page(tree: Path, runname: str) -> str:
    return (tree / PAGE.format(runname)).read_text("utf-8")


def said(tree: Path, runname: str) -> list[str]:
    return re.findall(r'role="img" aria-label="([^"]+ runs)"', page(tree, runname))


def area_of(root: Path, runs: int) -> TestArea:
    root.mkdir()
    return make_area(root, runs=[night(number, number / 4) for number in range(runs)])


def test_a_value_shows_its_last_twenty_runs(tmp_path: Path) -> None:
    site = make_site(tmp_path, area_of(tmp_path / "a", 25))
    site.build()
    assert said(site.tree, "r24") == ["1.25 to 6 in 20 runs"]
    assert said(site.tree, "r1") == ["0 to 0.25 in 2 runs"]
    assert said(site.tree, "r0") == []


def test_a_later_run_changes_no_earlier_curve(tmp_path: Path) -> None:
    area = area_of(tmp_path / "a", 5)
    site = make_site(tmp_path, area)
    area.add_run(night(7, 99))
    site.build()
    before = page(site.tree, "r4")
    area.add_run(replace(night(3, -50), runname="found-late"))
    area.add_run(night(8, 1))
    site.build()
    assert page(site.tree, "r4") == before
    assert said(site.tree, "r8") == ["-50 to 99 in 8 runs"]


def test_run_by_run_gives_the_pages_of_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    slow = area_of(tmp_path / "a", 2)
    site = make_site(tmp_path / "one", slow)
    for number in range(2, 5):
        site.build()
        slow.add_run(night(number, number / 4))
    site.build()
    (tmp_path / "other").mkdir()
    at_once = make_site(tmp_path / "other", slow)
    at_once.build()
    for number in range(5):
        assert page(site.tree, f"r{number}") == page(at_once.tree, f"r{number}")


def test_a_record_from_before_has_no_past_and_stays_as_it_is(tmp_path: Path) -> None:
    site = make_site(tmp_path, area_of(tmp_path / "a", 3))
    site.build()
    found = record.load(site.tree, RunKey("fullrun", ("ubuntu", "nfs"), "r1"))
    assert found is not None and found.facts is not None
    facts = found.facts.tests["timing", ""]
    assert facts.values == ((0, 0.25),)
    old = re.sub(rb",\[10,10\],\[\[0(?:\.0)?,0\.25\]\]\]", b"]", record.encode(found))
    assert old != record.encode(found)
    read = record.decode(old)
    assert read.facts is not None
    assert (read.facts.tests["timing", ""].values, read.facts.tests["timing", ""].took) == ((), ())
    assert record.encode(read) == old


def test_a_metric_in_the_cells_of_the_grid_follows_rows_owners_and_settings(tmp_path: Path) -> None:
    area = area_of(tmp_path / "a", 4)
    site = make_site(tmp_path, area)
    site.build()

    def with_metric(metric: str) -> str:
        text = f'[site]\ntitle = "T"\n[areas.fullrun]\npath = "{area.path}"\n'
        (tmp_path / "mtsite.toml").write_text(f'{text}grid_metric = "{metric}"\n')
        return built()

    def built() -> str:
        site.build()
        return (site.tree / "fullrun/ubuntu/nfs/_runs/grid-30.html").read_text("utf-8")

    assert cells(with_metric("t/slack")) == ["0.75", "0.5", "0.25", "0"]
    assert cells(with_metric("duration")) == ["10s"]
    with_metric("t/slack")
    newer = {"timing": area.test_id("r2", "timing")}
    area.execute(
        "UPDATE test_data SET value = 12.5, last_update = last_update + 9"
        " WHERE variable = 'slack' AND test_id = :timing",
        newer,
    )
    area.execute("INSERT INTO test_meta (testname, owner) VALUES ('timing', 'Ada Quist')")
    area.execute("UPDATE tests SET last_update = last_update + 9")
    page = built()
    assert cells(page) == ["0.75", "12.5", "0.25", "0"]
    assert '<abbr title="Ada Quist">AQ</abbr>' in page
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def cells(page: str) -> list[str]:
    return re.findall(r'<b aria-hidden="true">([^<]+)</b><i>', page)
