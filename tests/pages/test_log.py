"""Log pages: findings, neighbours, where their links lead."""

from dataclasses import replace

import pytest
from browser import records
from pages.shown import FRAME, THEME

from mtsite import rollup, urls
from mtsite.model import LogRecord
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
