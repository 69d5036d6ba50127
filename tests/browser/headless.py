"""The Chromium that tests look at pages with."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Best first: the shell draws the same pages without a window around them, for half the work."""


def found() -> str | None:
    """Where it lies: $CHROMIUM, or the first of `NAMES` on the path."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def opened() -> Iterator[Any]:
    """A browser of Playwright's without a page; who opens pages closes their contexts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=["--no-sandbox"])
        yield browser
        browser.close()


def fixture() -> Iterator[Any]:
    """For a module: the browser, or a skip where there is none."""
    import pytest

    pytest.importorskip("playwright.sync_api")
    if found() is None:
        pytest.skip("no chromium here")
    with opened() as browser:
        yield browser
