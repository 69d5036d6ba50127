"""What all pages share: crumbs, the robots mark, links of the page for missing ones."""

import re

from browser import past_records, records
from msgspec.structs import replace
from pages.shown import FRAME, THEME, context_of_test

from mtsite import urls
from mtsite.pages import area, index, notfound, target
from mtsite.pages.page import Grid, crumbs_to

LEAF = (records.AREA, records.TARGET)
BEGINNING = ". [a-z]+ [0-9\u202f]+ of [0-9\u202f]+ · "


def test_missing_page_starts_its_links_at_the_sites_address() -> None:
    frame = replace(FRAME, base_url="https://runs.example/sub/")
    assert notfound.context(frame)["assets"] == "https://runs.example/sub/_assets/v1"
    assert notfound.context(FRAME)["assets"] == "_assets/v1"


def test_noindex_unless_the_site_says_otherwise() -> None:
    pages = [
        THEME.render(notfound.TEMPLATE, notfound.context(replace(FRAME, noindex=flag)))
        for flag in (True, False)
    ]
    assert b'<meta name="robots" content="noindex">' in pages[0]
    assert b"robots" not in pages[1]


def test_every_ancestor_is_one_click_away(night: records.Night) -> None:
    path = urls.test_page(night.key, ("synth_sweep", "corner=ss,v=0.65"))
    crumbs = crumbs_to(path, records.AREA, records.TARGET, records.KEYS)
    assert [crumb[0] for crumb in crumbs] == [records.AREA, *records.TARGET]
    assert [crumb[2] for crumb in crumbs] == ["area", *records.KEYS]
    shown = context_of_test(night, ("synth_sweep", "corner=ss,v=0.65"))
    assert shown["crumbs"][-1] == ("ww47.5", "../../index.html", "run")  # type: ignore[index]


def test_titles_of_runs_and_what_holds_them_begin_with_state_and_counts(
    night: records.Night,
) -> None:
    runs = past_records.past(night)
    leaf = replace(past_records.node(*LEAF, runs[1]), counts=runs[1].counts)
    made = (
        index.context(FRAME, past_records.nodes(night)),
        area.context(FRAME, replace(leaf, values=()), (), (), ()),
        target.context(FRAME, leaf, runs, Grid((), ()), ()),
    )
    titles = [str(context["title"]) for context in made]
    assert [title for title in titles if not re.match(BEGINNING, title)] == []
