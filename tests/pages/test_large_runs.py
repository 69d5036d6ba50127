"""Runs of very many tests: every page is bounded, every test reached without script, one filter."""

import re
from functools import lru_cache
from html import unescape

import pytest
from browser import gallery, odd_runs
from msgspec.structs import replace
from pages.shown import THEME
from shards import read_shard

from mtsite import urls
from mtsite.pages import run, run_tests

LINK = re.compile(r'href="([^"#?]+)')
PAGE_BYTES = 150_000
SHARD_BYTES = 200_000


class Made:
    """The files of one run's page: path → content."""

    def __init__(self, night: odd_runs.Odd) -> None:
        self.night = night
        shown, self.listed = gallery.divided(night)
        context = run.context(gallery.FRAME, shown, self.listed, gallery.BESIDE)
        self.page = THEME.render(run.TEMPLATE, context).decode()
        self.lists = [
            THEME.render(
                run_tests.TEMPLATE, run_tests.context(gallery.FRAME, night.run, self.listed, i)
            ).decode()
            for i in range(len(self.listed.lists))
        ]

    def links(self) -> set[str]:
        return {unescape(link) for text in (self.page, *self.lists) for link in LINK.findall(text)}

    def rows(self) -> list[list[object]]:
        """What the filter searches."""
        found: list[list[object]] = []
        for _, content in self.listed.shards:
            found += read_shard(content)["rows"]
        return found


@lru_cache(maxsize=8)
def made(name: str) -> Made:
    return Made(odd_runs.every_odd_run()[name])


@pytest.mark.parametrize("name", odd_runs.NAMES)
def test_pages_lists_and_shards_stay_small(name: str) -> None:
    one = made(name)
    assert len(one.page.encode()) <= PAGE_BYTES
    assert all(len(text.encode()) <= PAGE_BYTES for text in one.lists)
    assert all(len(content) <= SHARD_BYTES for _, content in one.listed.shards)


@pytest.mark.slow
def test_a_run_of_50_000_tests_has_the_same_bounds() -> None:
    one = Made(odd_runs.many(50_000, 50))
    assert len(one.page.encode()) <= PAGE_BYTES
    assert max(len(text.encode()) for text in one.lists) <= PAGE_BYTES
    assert max(len(content) for _, content in one.listed.shards) <= SHARD_BYTES
    assert len(one.rows()) == 50_000


@pytest.mark.parametrize("name", odd_runs.NAMES)
def test_every_test_is_reached_without_script(name: str) -> None:
    one = made(name)
    path = urls.run_page(one.night.key)
    links = one.links()
    for test in one.night.run.tests:
        assert urls.relative(path, urls.test_page(one.night.key, test.name)) in links


@pytest.mark.parametrize("name", ["many5000", "all_bad", "long_names"])
def test_links_to_lists_lead_to_their_groups(name: str) -> None:
    one = made(name)
    paths = [page.path.rpartition("/")[2] for page in one.listed.lists]
    found = re.findall(r'href="(_p\w+\.html)(?:#([^"]+))?"', one.page)
    assert found
    for file, anchor in found:
        text = one.lists[paths.index(file)]
        assert not anchor or f'id="{unescape(anchor)}"' in text


@pytest.mark.parametrize("name", ["many5000", "all_bad", "long_names"])
def test_the_filter_knows_every_counted_test_once(name: str) -> None:
    one = made(name)
    known = [(row[0], row[1]) for row in one.rows()]
    assert sorted(known) == sorted(t.name for t in one.night.run.tests if not t.toplevel)


def test_what_went_wrong_comes_first_in_the_shards() -> None:
    letters = "".join(str(row[2]) for row in made("many5000").rows())
    assert letters.rindex("F") < letters.index("P")


def test_a_small_run_has_nothing_beside_its_page() -> None:
    listed = made("only_items").listed
    assert (listed.lists, listed.shards) == ((), ())
    assert 'data-mt="matches"' not in made("only_items").page


def test_a_shard_is_named_by_what_is_in_it() -> None:
    night = odd_runs.all_bad(800)
    _, before = gallery.divided(night)
    _, same = gallery.divided(odd_runs.all_bad(800))
    assert [path for path, _ in before.shards] == [path for path, _ in same.shards]
    tests = tuple(replace(test, run_duration=1) for test in night.run.tests)
    night.run = replace(night.run, tests=tests)
    _, other = gallery.divided(night)
    assert not {path for path, _ in before.shards} & {path for path, _ in other.shards}


def test_groups_of_what_passed_say_how_many() -> None:
    page = made("many5000").page
    assert re.search(r"3400 tests passed</a> <span class=\"quiet\">in \d+ groups", page) is not None


def test_failures_of_all_tests_are_cut_and_say_so() -> None:
    one = made("all_bad")
    assert f"{one.listed.failures_shown} of 5000 are on this page" in one.page
    assert "Nothing else: every test of this run went wrong" in one.page


def test_an_iterated_test_shows_what_its_items_roll_up_to() -> None:
    page = made("only_items").page
    assert "15 items: 3 failed, 12 passed" in page
    assert "rolls up to COMPLETED FAIL" in page


def test_tests_whose_rows_are_gone_are_told_with_what_they_were() -> None:
    page = made("with_gone").page
    assert "deleted_3" in page
    assert "was fail" in page
    assert 'data-filter="is:gone"><b>5</b>' in page


def test_a_run_in_flight_and_one_of_dead_tests_are_no_failures_of_each_other() -> None:
    assert "Nothing went wrong so far." in made("all_running").page
    assert 'data-filter="s:running"><b>23</b>' in made("all_running").page
    assert 'data-filter="s:dead"><b>30</b>' in made("all_dead").page
    assert 'data-filter="s:fail"><b>0</b>' in made("all_dead").page


def test_a_row_of_a_shard_has_all_that_the_script_reads() -> None:
    """A test without host that took no time, too: zeros at the end of a row are left out."""
    night = odd_runs.many(2000, 20)
    tests = tuple(replace(test, host="n/a", run_duration=0) for test in night.run.tests)
    night.run = replace(night.run, tests=tests)
    rows = Made(night).rows()
    assert len(rows) == 2000
    assert all(len(row) >= 8 and row[7] in (0, -1) for row in rows)
