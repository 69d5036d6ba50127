"""Pages that stand for another one: redirects, and what is left of a run."""

from browser import records
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite.pages import gone, redirect


def test_redirect_leads_by_refresh_and_by_link() -> None:
    frame = replace(FRAME, base_url="https://runs.example/")
    shown = redirect.context(frame, "a/t/latest.html", "a/t/r~20/index.html", "r <1>")
    page = THEME.render(redirect.TEMPLATE, shown).decode()
    assert '<meta http-equiv="refresh" content="0; url=r~20/index.html">' in page
    assert '<a href="r~20/index.html"><bdi>r &lt;1&gt;</bdi></a>' in page
    assert '<link rel="canonical" href="https://runs.example/a/t/r~20/index.html">' in page


def test_gone_run_says_why_and_what_remains(night: records.Night) -> None:
    record = replace(night.record, summary=night.summary, gone="expired by rule rows = 180d")
    page = THEME.render(gone.TEMPLATE, gone.context(FRAME, record)).decode()
    assert "Expired by rule rows = 180d." in page
    assert "31 of 435 tests went wrong" in page
    assert "The first lines of 20 of 31 were kept." in page
    assert (
        '<a href="boot_emmc_stress/index.html"><bdi>boot_emmc_stress</bdi></a> <code>Segm' in page
    )
    stub = gone.test_context(FRAME, record, ("pcie_retry_smoke", ""))
    page = THEME.render(gone.TEMPLATE, stub).decode()
    assert 'href="_log/sim.log.html"' in page
