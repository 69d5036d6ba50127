"""The front page's link to the jobs says which went wrong, from a shard that moves only then."""

import shutil
from pathlib import Path

import pytest
from browser.watching import Watched

from mtsite.pages.shard import shard_bytes

pytestmark = pytest.mark.browser


def test_the_link_to_the_jobs(gallery_site: Path, wide: Watched, tmp_path: Path) -> None:
    shutil.copy(gallery_site / "index.html", tmp_path)
    shutil.copytree(gallery_site / "_assets", tmp_path / "_assets")
    told = {}
    for wrong in ((), ("nightly",)):
        (tmp_path / "_status.js").write_bytes(shard_bytes("status", {"wrong": wrong}))
        page = wide.go(tmp_path, "index.html")
        page.wait_for_timeout(300)
        link = page.locator("[data-mt=pulse]")
        told[wrong] = (link.inner_text(), link.get_attribute("href"))
    assert told == {
        (): ("jobs", "_jobs/index.html"),
        ("nightly",): ("jobs: nightly went wrong", "_jobs/index.html"),
    }
