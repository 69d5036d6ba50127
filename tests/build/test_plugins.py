"""Families of log rules that other packages add: installed, used, and kept from doing harm."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from areas import make_area, run, step, test
from sites import TestSite, make_site

from mtsite import record
from mtsite.build import judge
from mtsite.build.state import BuildSummary
from mtsite.model import LogRecord

PACKAGE = Path(__file__).parents[1] / "data/example-log-rules"
BREW = "brew started\nwe are out of beans\nmachine 7\nx.c:1: error: no\n"
OTHER = "# out of water\nout of water\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package as pip installs it, in a directory of its own."""
    target = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", "-q", *options, "--target", str(target)]
    subprocess.run([*command, str(PACKAGE)], check=True, stdin=subprocess.DEVNULL, timeout=120)
    return target


@pytest.fixture
def site(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[TestSite, BuildSummary]]:
    monkeypatch.syspath_prepend(str(installed))
    judge._made.cache_clear()
    steps = [step("brew", log=BREW), step("other", log=OTHER)]
    made = make_area(tmp_path, runs=[run("v1/x", "n1", [test("t", steps=steps)])])
    site = make_site(tmp_path, made)
    yield site, site.build()
    judge._made.cache_clear()


def logs_of(site: TestSite) -> dict[str, LogRecord]:
    (kept,) = record.walk(site.tree)
    return {log.name: log for one in kept.tests.values() for log in one.logs if log.blob}


def test_an_installed_family_judges_and_a_broken_one_stops_nothing(
    site: tuple[TestSite, BuildSummary],
) -> None:
    logs = logs_of(site[0])
    found = [(f.rule, f.first_line, f.last_line, f.title) for f in logs["brew.log"].findings]
    assert found == [
        ("coffee/empty", 2, 3, "Refill"),
        ("compiler/error", 4, 4, "The compiler refuses the source"),
    ]
    assert [(f.rule, f.first_line) for f in logs["other.log"].findings] == [("coffee/empty", 2)]
    assert logs["brew.log"].faults == (
        "rules clumsy/drop: read failed: KeyError: 'cup'",
        "rules clumsy: analyse failed: ZeroDivisionError: no cups",
    )


def test_what_families_did_wrong_is_in_the_summary_and_on_the_page(
    site: tuple[TestSite, BuildSummary],
) -> None:
    built, summary = site
    assert sorted(one for one in summary.problems if one.startswith("rules ")) == [
        "rules clumsy/drop: read failed: KeyError: 'cup'",
        "rules clumsy: analyse failed: ZeroDivisionError: no cups",
        "rules clumsy: claims failed: OSError: spilt",
        "rules confused: not used: it is no Family but dict",
        "rules unimportable: not used: RuntimeError: no beans in this build",
    ]
    (page,) = built.tree.rglob("_log/other.log.html")
    shown = page.read_text("utf-8")
    assert "rules clumsy: claims failed: OSError: spilt" in shown
    assert "out of water" in shown
