"""Histories and comparisons between runs that do not all have the same tests."""

from pathlib import Path

import pytest
from areas import make_area, run, test
from crawl import crawl, pages
from sites import TestSite, make_site

from mtsite import urls
from mtsite.model import RunKey


@pytest.fixture
def site(tmp_path: Path) -> TestSite:
    """`t` passes, is missing, then fails; `other` always passes."""
    area = make_area(tmp_path)
    area.add_run(run("u/v", "w1", [test("other"), test("t")]))
    area.add_run(run("u/v", "w2", [test("other")]))
    area.add_run(
        run("u/v", "w3", [test("other"), test("t", status="FAIL"), test("late", status="FAIL")])
    )
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    assert made.build().problems == []
    return made


def test_a_history_begins_with_the_newest_verdict(site: TestSite) -> None:
    page = (site.tree / urls.history_page("fullrun", ("u", "v"), ("t", ""))).read_text()
    assert "Fail since w3." in page
    assert page.index("../../w3/t/") < page.index("../../w1/t/")


def test_a_run_without_the_test_is_linked_as_a_run(site: TestSite) -> None:
    page = (site.tree / urls.history_page("fullrun", ("u", "v"), ("t", ""))).read_text()
    assert 'href="../../w2/index.html"' in page
    assert "w2/t/" not in page


def test_a_failing_test_that_the_run_before_had_not_is_not_called_good_there(
    site: TestSite,
) -> None:
    page = (
        site.tree / urls.test_page(RunKey("fullrun", ("u", "v"), "w3"), ("late", ""))
    ).read_text()
    assert "it was not among the tests of" in page
    assert "it was good in" not in page


def test_only_pointers_that_exist_are_linked(site: TestSite) -> None:
    assert crawl(site.tree, pages(site.tree)).dead == []
    page = (site.tree / urls.area_page("fullrun", ("u", "v"))).read_text()
    assert 'href="last-good.html"' in page
