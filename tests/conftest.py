"""What every test stands on: a scrubbed environment, long files first, no silent skips in CI."""

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from longest import LONG

settings.register_profile("mtsite", deadline=None, print_blob=True)
settings.load_profile("mtsite")

SCRUBBED_PREFIXES = ("MTSITE_", "AWS_", "MT_", "XDG_", "CLICOLOR", "GIT_")
SCRUBBED = frozenset({"NO_COLOR", "FORCE_COLOR", "LC_ALL", "PYTHONHASHSEED", "S3_USE_SIGV4"})
NOT_APPLICABLE = "not applicable"
"""How the reason of a skip begins that no tool could cure (root, a file system's ways)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files go first; all others keep their order."""
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        file = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        return LONG.index(file) if file in LONG else len(LONG)

    items.sort(key=turn)


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session", name="s3")
def _s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real S3 server, begun when the first test of a worker asks for it."""
    import s3server

    yield from s3server.for_all(tmp_path_factory.mktemp("weed"))


@pytest.fixture(autouse=True)
def _scrubbed_environment(monkeypatch: pytest.MonkeyPatch, _home: Path) -> Iterator[None]:
    """No test sees its caller's home, time zone, credentials or mtsite settings."""
    for name in list(os.environ):
        if name.startswith(SCRUBBED_PREFIXES) or name in SCRUBBED:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(_home))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI=true, a skip for want of a tool is a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    if report.skipped:
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if os.environ.get("CI") == "true" and not reason.startswith(NOT_APPLICABLE):
        report.outcome = "failed"
        report.longrepr = f"skipped although CI=true: {reason}"
