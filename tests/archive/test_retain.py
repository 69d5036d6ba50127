"""Retention applied: logs and pages end, and what stays at their addresses."""

import shutil
from pathlib import Path

from archive.retaining import apply, blobs, day, spec, text, w, whole
from archive.retaining import area as area
from archive.retaining import both as both
from archive.retaining import once as once
from archive.retaining import site as site
from areas import BASE, DAY, TestArea
from rows import runs_in
from sites import TestSite


def test_logs_end_and_what_was_found_in_them_stays(site: TestSite) -> None:
    before = blobs(site)
    summary = apply(site, day(30))
    assert [one.run.key.runname for one in summary.ended] == ["w00"]
    assert len(before) - len(blobs(site)) == len(summary.blobs) == 1
    page = text(site, f"{w(0)}/compile/index.html")
    assert "no rule to make target" in page
    assert "let go on 2023-12-14: [retain] logs = 30d" in page
    whole(site)


def test_history_and_grids_survive_the_end_of_logs(site: TestSite) -> None:
    target = site.tree / "fullrun/ubuntu/nfs"
    paths = ("_tests/compile/index.html", "_runs/grid-30.html", "_runs/grid.js", "_runs/grid.csv")
    before = [(target / path).read_bytes() for path in paths]
    cells = (target / "_runs/cells.js").read_text()
    apply(site, day(30))
    site.build()
    assert [(target / path).read_bytes() for path in paths] == before
    left = (target / "_runs/cells.js").read_text()
    assert "no rule to make target" in left
    assert cells.count("final.log") - left.count("final.log") <= 1
    whole(site)


def test_a_log_that_ended_answers_at_its_address(site: TestSite) -> None:
    apply(site, day(30))
    page = text(site, f"{w(0)}/compile/_log/final.log.html")
    assert "[retain] logs = 30d" in page
    assert "no rule to make target" in page


def test_a_blob_that_another_run_names_stays(site: TestSite) -> None:
    shared = {blob for blob in blobs(site) if (site.tree / blob).read_text() == "same\n"}
    apply(site, day(30))
    assert shared
    assert shared <= blobs(site)


def test_a_log_that_ended_is_not_taken_again(site: TestSite, tmp_path: Path) -> None:
    apply(site, day(30))
    kept = blobs(site)
    site.build(full=True)
    assert blobs(site) == kept
    shutil.rmtree(site.state)
    site.build()
    assert blobs(site) == kept
    whole(site)


def test_a_held_run_keeps_its_logs(site: TestSite) -> None:
    (site.root / "holds.toml").write_text(f'[[hold]]\nrun = "{w(0)}"\nwhy = "release"\n')
    assert apply(site, day(30)).ended == []


def test_pages_end_and_each_address_says_what_remains(site: TestSite) -> None:
    apply(site, day(60), allow_drop=True)
    page = text(site, f"{w(0)}/index.html")
    assert "Its pages ended on 2024-01-13: [retain] pages = 60d" in page
    assert "compile" in page
    for below in ("compile/index.html", "regress/fast/index.html", "compile/_log/final.log.html"):
        assert "gone" in text(site, f"{w(0)}/{below}")
    whole(site)


def test_the_run_before_one_that_ended_no_longer_leads_there(site: TestSite) -> None:
    (site.root / "holds.toml").write_text(f'[[hold]]\nrun = "{w(0)}"\nwhy = "release"\n')
    apply(site, day(61), allow_drop=True)
    assert "w01" not in text(site, f"{w(0)}/index.html")
    whole(site)


def test_pages_stay_ended_while_the_rows_are_there(site: TestSite, area: TestArea) -> None:
    apply(site, day(60), allow_drop=True)
    before = text(site, f"{w(0)}/index.html")
    assert len(runs_in(area.database)) == 6
    for again in (lambda: site.build(), lambda: site.build(full=True)):
        again()
        assert text(site, f"{w(0)}/index.html") == before


def test_what_ended_is_remembered_when_the_state_is_lost(site: TestSite) -> None:
    apply(site, day(60), allow_drop=True)
    before = text(site, f"{w(0)}/index.html")
    shutil.rmtree(site.state)
    site.build()
    assert text(site, f"{w(0)}/index.html") == before
    whole(site)


def test_the_history_of_a_test_outlives_its_runs(site: TestSite) -> None:
    path = "fullrun/ubuntu/nfs/_tests/compile/index.html"
    before = text(site, path)
    apply(site, day(60), allow_drop=True)
    assert text(site, path) == before


def test_a_new_run_under_an_old_name_is_shown(site: TestSite, area: TestArea) -> None:
    apply(site, day(60), allow_drop=True)
    area.drop_run("w00")
    area.add_run(spec(0, event_time=BASE + 50 * DAY))
    site.build()
    assert "[retain]" not in text(site, f"{w(0)}/index.html")
    assert (site.tree / w(0) / "compile/_log/final.log.html").exists()
    whole(site)
