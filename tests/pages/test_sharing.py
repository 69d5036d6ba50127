"""Badges, feeds, and a run in a line: valid, bounded, harmless whatever names are in them."""

import re
from xml.etree import ElementTree

import pytest
from browser import past_records, pieces, records
from feeds import valid
from lxml import etree
from msgspec.structs import replace
from pages.shown import FRAME, THEME, context_of_run

from mtsite import urls
from mtsite.model import FirstFailure, RunKey, RunSummary
from mtsite.pages import run, sharing

PATH = urls.feed(records.AREA, records.TARGET)
BASED = replace(FRAME, base_url="https://runs.example/ci/")


@pytest.fixture(scope="module")
def summary() -> RunSummary:
    return records.Night().summary


def named(summary: RunSummary, name: str) -> RunSummary:
    key = RunKey(name, (name,), name)
    failures = (FirstFailure(name, name, "F", name),)
    return replace(summary, key=key, failures=failures)


def test_a_feed_is_valid_atom_newest_first(summary: RunSummary) -> None:
    runs = past_records.past(records.Night())
    feed = valid(sharing.feed(BASED, PATH, "nightly", runs))
    assert feed.title.value == "nightly"
    assert feed.links[0].href == f"https://runs.example/ci/{PATH}"
    ended = [one for one in runs if not one.counts.get("R")]
    assert [one.links[0].href for one in feed.entries] == [
        f"https://runs.example/ci/{urls.run_page(one.key)}" for one in ended
    ]
    assert "went wrong" in feed.entries[0].summary.value
    assert all(one.updated.tzinfo for one in feed.entries)


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (rb"<author>.*?</author>", b""),
        (rb"<id>urn:uuid:", b"<id>"),
        (rb"(<updated>[^<]*)Z", rb"\1"),
        (rb"<title>.*?</title>", b""),
        (rb'href="[^"]*"', b""),
        (rb"</entry>", b"<entry/></entry>"),
    ],
)
def test_what_is_no_atom_is_seen(summary: RunSummary, there: bytes, instead: bytes) -> None:
    content = sharing.feed(BASED, PATH, "nightly", [summary])
    broken = re.sub(there, instead, content, count=1, flags=re.S)
    assert broken != content
    with pytest.raises(etree.DocumentInvalid):
        valid(broken)


def test_a_feed_holds_the_newest_fifty(summary: RunSummary) -> None:
    runs = [replace(summary, key=replace(summary.key, runname=f"r{i}")) for i in range(80)]
    feed = valid(sharing.feed(FRAME, PATH, "t", runs))
    assert len(feed.entries) == len({one.id_ for one in feed.entries}) == 50
    assert feed.entries[0].links[0].href == "r0/index.html"


def test_an_entry_keeps_its_id_wherever_the_site_and_the_feed_lie(summary: RunSummary) -> None:
    other = urls.feed(records.AREA)
    ids = {
        valid(sharing.feed(frame, path, "t", [summary])).entries[0].id_
        for frame in (FRAME, BASED)
        for path in (PATH, other)
    }
    assert len(ids) == 1


def test_a_run_in_flight_is_no_entry(summary: RunSummary) -> None:
    open_run = replace(summary, counts={"R": 1, "P": 2})
    assert valid(sharing.feed(FRAME, PATH, "t", [open_run])).entries == []


@pytest.mark.parametrize("name", [*pieces.HOSTILE, "\x00\x1b[2J", "]]>", "\ud800 \ufffe"])
def test_no_name_breaks_a_feed_a_badge_or_a_line(summary: RunSummary, name: str) -> None:
    one = named(summary, name)
    feed = valid(sharing.feed(BASED, PATH, name, [one]))
    assert len(feed.entries) == 1
    badge = ElementTree.fromstring(sharing.badge(name, one))
    assert not list(badge.iter("{http://www.w3.org/2000/svg}script"))
    assert "\n" not in sharing.line(one, "")
    said = sharing.markdown(one, "https://x.example/")
    assert "<script>" not in said
    assert "\x1b" not in said + sharing.line(one, "")


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"P": 3}, "3 passed"),
        ({"P": 3, "S": 1}, "3 of 4 passed"),
        ({"S": 4}, "skipped"),
        ({"N": 4}, "not run"),
        ({"P": 3, "S": 1, "N": 2}, "4 of 6 ran"),
        ({"P": 3, "W": 1}, "passed, with warnings"),
        ({"P": 3, "F": 1, "A": 1}, "2 of 5 failed"),
        ({"P": 3, "R": 1}, "running"),
        ({}, "no tests"),
    ],
)
def test_a_badge_says_how_the_newest_run_went(
    summary: RunSummary, counts: dict[str, int], said: str
) -> None:
    badge = ElementTree.fromstring(sharing.badge("rhel9/nfs", replace(summary, counts=counts)))
    texts = [one.text for one in badge.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["rhel9/nfs", said]
    assert badge.get("aria-label") == f"rhel9/nfs: {said}, run ww47.5"


def test_a_run_is_one_line_with_its_address(summary: RunSummary) -> None:
    assert sharing.line(summary, "https://x.example/r") == (
        "■ abort chipyard/rhel9/nfs/nightly/ww47.5: 31 of 435 tests went wrong: 1 aborted,"
        " 2 blocked, 1 killed, 26 failed, 1 dead. 12 new, 19 still failing, 2 fixed."
        " https://x.example/r"
    )


def test_markdown_lists_first_failures_and_how_many_more(summary: RunSummary) -> None:
    lines = sharing.markdown(summary, "https://x.example/r").splitlines()
    assert lines[0].startswith(
        "**■ abort** [chipyard/rhel9/nfs/nightly/ww47.5](<https://x.example/r>): 31 of 435"
    )
    assert lines[2].startswith("- alu\\_")
    assert " : " in lines[2]
    assert lines[-1] == "- and 11 more"


def test_the_page_of_a_run_has_both_to_copy(night: records.Night) -> None:
    html = THEME.render(run.TEMPLATE, context_of_run(night)).decode()
    assert html.count('data-mt="copy-text"') == 2
    assert f"{run.PAGE_ADDRESS}" in html
