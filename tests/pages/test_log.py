"""Log pages: findings, neighbours, where their links lead."""

import pytest
from browser import records
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite import rollup, urls
from mtsite.model import Finding, LogRecord
from mtsite.pages import log, place
from mtsite.pages.page import crumbs_to


def test_log_page_links_findings_and_neighbours(night: records.Night) -> None:
    kept = night.records[("pcie_retry_smoke", "")]
    names = ["sim.log", "build.log"]
    shown = log.context(
        FRAME,
        night.key,
        ("pcie_retry_smoke", ""),
        rollup.Verdict.FAIL,
        kept.logs[0],
        b"one\ntwo\n",
        siblings=names,
    )
    assert shown["after"] == ("build.log", "build.log.html")
    assert shown["before"] is None
    page = THEME.render(log.TEMPLATE, shown).decode()
    assert "<div id=L2><a href=#L2>2</a>two</div>" in page
    first = kept.logs[0].findings[0].first_line
    assert f'<a href="#L{first}">' in page


@pytest.mark.parametrize("item", ["", "x", "x/y/z", "/".join(["part" * 20] * 11)])
def test_links_of_a_log_page_lead_where_they_say(night: records.Night, item: str) -> None:
    name = ("deep", item)
    kept = LogRecord("a.log", "final", "_blobs/ab/abc.log")
    for key in (night.key, replace(night.key, runname="other")):
        path = urls.log_page(key, name, kept.name)
        shown = log.context(FRAME, key, name, rollup.Verdict.PASS, kept, b"", keys=records.KEYS)
        crumbs = crumbs_to(path, key.area, key.target, records.KEYS)
        crumbs.append((key.runname, urls.relative(path, urls.run_page(key)), "run"))
        test_page = urls.relative(path, urls.test_page(key, name))
        crumbs.append((place.test_label(name), test_page, "test"))
        assert shown["crumbs"] == tuple(crumbs)
        assert shown["raw"] == urls.relative(path, kept.blob)
        assert shown["home"] == urls.relative(path, urls.index_page())


SERVICE = b"2026-11-01 02:03:04 INFO start\n2026-11-01 02:03:05 ERROR oh\n  more\n"


def page_of(night: records.Night, kept: LogRecord, content: bytes) -> str:
    shown = log.context(FRAME, night.key, ("t", ""), rollup.Verdict.PASS, kept, content)
    return THEME.render(log.TEMPLATE, shown).decode()


def test_each_line_has_the_class_of_its_level_and_the_levels_are_counted(
    night: records.Night,
) -> None:
    kept = LogRecord("a.log", "final", "_blobs/ab/abc.log", levels={"ERROR": 2, "INFO": 1})
    page = page_of(night, kept, SERVICE)
    assert '<div id=L1 class="lv-info">' in page
    assert '<div id=L3 class="lv-error">' in page
    assert '<span class="lv-info"><b>INFO</b> 1 line</span>' in page
    assert page.index("<b>INFO</b>") < page.index("<b>ERROR</b> 2 lines")


def test_a_log_without_levels_has_no_level_classes(night: records.Night) -> None:
    page = page_of(night, LogRecord("a.log", "final", "_blobs/ab/abc.log"), SERVICE)
    assert "lv-" not in page


def test_warnings_are_listed_apart_and_the_rest_is_counted(night: records.Night) -> None:
    found = Finding("x/careful", "WARNING", 2, 2, "careful", "")
    kept = LogRecord(
        "a.log", "final", "_blobs/ab/abc.log", warnings=(found,), warning_count=7, finding_count=0
    )
    page = page_of(night, kept, SERVICE)
    assert "<summary>7 warnings</summary>" in page
    assert "The first 1 of 7 are listed" in page
    assert '<div id=L2 class="hit-warning hit-first">' in page


def test_what_rules_did_wrong_is_told(night: records.Night) -> None:
    kept = LogRecord("a.log", "final", "_blobs/ab/abc.log", faults=("rules x: read failed: Oh",))
    assert '<p class="banner">rules x: read failed: Oh</p>' in page_of(night, kept, b"x\n")
