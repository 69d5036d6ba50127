"""Links that the settings give for each run: filled in, escaped, told on the page."""

import pytest
from browser import records
from hypothesis import given
from hypothesis import strategies as st
from pages.shown import THEME, context_of_run

from mtsite.model import Run, RunKey, State, Status
from mtsite.pages import run
from mtsite.pages.beside import RunBeside, fill


def run_of(area: str, target: tuple[str, ...], runname: str) -> Run:
    key = RunKey(area, target, runname)
    return Run(key, ("os", "fs"), State(""), Status(""), "", "", "", None)


@pytest.mark.parametrize(
    ("address", "filled"),
    [
        ("https://ci.example/{area}/{target}/{runname}", "https://ci.example/a%20b/x%2Fy/z/w%3F1"),
        ("https://ci.example/?os={os}&fs={fs}", "https://ci.example/?os=x%2Fy&fs=z"),
        ("https://ci.example/{unknown}/{", "https://ci.example/{unknown}/{"),
        ("https://ci.example/", "https://ci.example/"),
    ],
)
def test_placeholders_are_filled_in_escaped(address: str, filled: str) -> None:
    assert fill(address, run_of("a b", ("x/y", "z"), "w?1")) == filled


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_name_reaches_beyond_its_place_in_an_address(runname: str, value: str) -> None:
    filled = fill("https://ci.example/r/{runname}/{os}/end", run_of("a", (value, "y"), runname))
    assert filled.startswith("https://ci.example/r/")
    assert filled.count("/") == 6
    assert not set(filled) & set("?#&<>\"' ")


def test_links_of_an_area_stand_on_the_pages_of_its_runs(night: records.Night) -> None:
    beside = RunBeside({records.AREA: {"Jobs": "https://ci.example/{runname}"}})
    shown = beside.of(night.run, "ww48.1")
    assert shown.links == (("Jobs", "https://ci.example/ww47.5"),)
    context = context_of_run(night, links=shown.links)
    page = THEME.render(run.TEMPLATE, context).decode()
    assert '<a href="https://ci.example/ww47.5" rel="noreferrer"><bdi>Jobs</bdi></a>' in page


def test_links_of_another_area_do_not(night: records.Night) -> None:
    beside = RunBeside({"other": {"Jobs": "https://ci.example/{runname}"}})
    assert beside.of(night.run, "").links == ()


def test_a_run_links_to_how_long_it_is_kept_where_that_is_told(night: records.Night) -> None:
    context = context_of_run(night, leaving=True)
    assert context["leaving"] == "../../../../../_gone/index.html"
    assert context_of_run(night)["leaving"] == ""


def test_bytes_of_a_name_that_are_no_text_are_shown_as_such() -> None:
    broken = run_of("a", ("x", "y"), "r\udcff")
    assert fill("https://ci.example/{runname}", broken).endswith("/r%EF%BF%BD")
