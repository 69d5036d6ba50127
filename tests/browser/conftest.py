"""One gallery and one demo for all browser tests of a worker, one Chromium for each file."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import gallery
from browser.watching import Watched

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or gallery.CHROMIUM


@pytest.fixture(scope="session")
def gallery_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handmade pages, under a directory whose name needs escaping."""
    out = tmp_path_factory.mktemp("gallery") / "under a prefix"
    gallery.write_site(out)
    return out


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of `mtsite demo`, as a user gets it."""
    from mtsite.cli import run
    from mtsite.invocation import Invocation

    root = tmp_path_factory.mktemp("demo")
    assert run(["demo", str(root), "--days", "4"], Invocation(environ={})) == 0
    return root / "site"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium here")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def wide(chromium: Any) -> Iterator[Watched]:
    watched = Watched(chromium, viewport={"width": 1400, "height": 900})
    yield watched
    watched.context.close()


@pytest.fixture
def phone(chromium: Any) -> Iterator[Watched]:
    watched = Watched(chromium, viewport={"width": 390, "height": 844}, color_scheme="dark")
    yield watched
    watched.context.close()


@pytest.fixture
def plain(chromium: Any) -> Iterator[Watched]:
    watched = Watched(chromium, java_script_enabled=False)
    yield watched
    watched.context.close()
