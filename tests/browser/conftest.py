"""One gallery and one demo for all browser tests of all workers, one Chromium for each file."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import gallery, headless
from browser.watching import Watched


def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """What the first worker makes stands for all of them: no test writes into it."""
    base = factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    root.mkdir(exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "made").exists():
            make(root)
            (root / "made").touch()
    return root


@pytest.fixture(scope="session")
def gallery_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handmade pages, under a directory whose name needs escaping."""
    root = _made_once(
        tmp_path_factory, "gallery", lambda root: gallery.write_site(root / "under a prefix")
    )
    return root / "under a prefix"


def _make_demo(root: Path) -> None:
    from mtsite.cli import run
    from mtsite.invocation import Invocation

    assert run(["demo", str(root), "--days", "4"], Invocation(environ={})) == 0


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of `mtsite demo`, as a user gets it."""
    root = _made_once(tmp_path_factory, "demo", lambda root: _make_demo(root / "demo"))
    return root / "demo/site"


chromium = pytest.fixture(headless.fixture, scope="module", name="chromium")


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
