"""One page of each kind from a file, below a prefix, and from a bucket: the policy holds.

No violation is reported, nothing is asked of another host, nothing is lost or errs, and without
script the counts, failures and links are there.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import s3server
from browser import records
from browser.kinds import of_each_kind
from browser.watching import Watched

from mtsite import urls
from mtsite.build.theme import ASSETS
from mtsite.publish.headers import headers_for
from mtsite.serve import open_server

pytestmark = pytest.mark.browser
PREFIX = "some/where"


def _pages(site: Path) -> dict[str, str]:
    """Page kind → a full page of it; redirects have a test of their own."""
    found = of_each_kind(site)
    return {kind: paths[-1] for kind, paths in found.items() if kind != "redirect"}


def _wrong_with(watched: Watched, root: str, pages: dict[str, str]) -> list[tuple[str, object]]:
    """(path, what is wrong there) of pages that are opened one after the other."""
    wrong: list[tuple[str, object]] = []
    page = watched.page
    for kind, path in pages.items():
        page.goto(f"{root}/{path}")
        if kind != "notfound":  # its links begin at the server's root, wherever it is shown
            wrong += [(path, trouble) for trouble in watched.trouble]
            wrong += [(path, report) for report in page.evaluate("policyReports")]
            if page.evaluate("document.styleSheets.length") != 1:
                wrong.append((path, "no style"))
            if not page.locator("[data-mt=keys]").is_visible():
                wrong.append((path, "no script"))
        if page.locator("h1").count() != 1:
            wrong.append((path, "no heading"))
        watched.trouble.clear()
    return wrong


@pytest.fixture
def address(gallery_site: Path) -> Iterator[str]:
    """The gallery served below a prefix."""
    tree = gallery_site.parent
    with open_server(tree, 0, lambda path: headers_for(path).content_type) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{gallery_site.name.replace(' ', '%20')}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_from_files(chromium: Any, demo_site: Path) -> None:
    """The site of a real build; test_layout.py opens all the gallery from files."""
    watched = Watched(chromium)
    assert _wrong_with(watched, demo_site.as_uri(), _pages(demo_site)) == []
    watched.context.close()


def test_below_a_prefix(chromium: Any, gallery_site: Path, address: str) -> None:
    watched = Watched(chromium, address)
    assert _wrong_with(watched, address, _pages(gallery_site)) == []
    watched.context.close()


@pytest.fixture(scope="module")
def in_bucket(gallery_site: Path, s3: s3server.Server) -> str:
    """Where a page of each kind lies in a bucket with all shards, packed as they are published."""
    bucket = s3.make_bucket()
    pages = _pages(gallery_site)
    client = s3.client()
    _open_to_all(client, bucket)
    assets = (one for one in (gallery_site / ASSETS).iterdir() if one.is_file())
    shards = (one for one in gallery_site.rglob("*.js") if ASSETS not in one.as_posix())
    beside = (one.relative_to(gallery_site).as_posix() for one in (*assets, *shards))
    for path in (*pages.values(), *beside):
        content = (gallery_site / path).read_bytes()
        headers = headers_for(path)
        client.put_object(
            Bucket=bucket,
            Key=f"{PREFIX}/{path}",
            Body=gzip.compress(content),
            ContentType=headers.content_type,
            ContentEncoding="gzip",
        )
    client.close()
    return f"{s3.endpoint}/{bucket}/{PREFIX}"


def test_from_a_bucket(chromium: Any, gallery_site: Path, in_bucket: str) -> None:
    watched = Watched(chromium, in_bucket)
    assert _wrong_with(watched, in_bucket, _pages(gallery_site)) == []
    watched.context.close()


def test_the_search_answers_from_packed_shards_of_a_bucket(chromium: Any, in_bucket: str) -> None:
    watched = Watched(chromium, in_bucket)
    page = watched.page
    packed: list[str] = []
    page.on(
        "response",
        lambda answer: (
            packed.append(answer.headers.get("content-encoding", ""))
            if "/2026-1" in answer.url
            else None
        ),
    )
    page.goto(f"{in_bucket}/{urls.search_page()}?q=pcie_retry_smoke+is:test")
    first = page.locator(".results .name a").first
    first.wait_for()
    to = f"../{urls.test_page(records.Night().key, ('pcie_retry_smoke', ''))}"
    assert first.get_attribute("href") == to
    page.click(".sub button:has-text('Search all')")
    page.wait_for_selector(".sub:has-text('All runs of this site are searched')")
    assert packed == ["gzip"] * 3
    assert watched.trouble == []
    watched.context.close()


def _open_to_all(client: Any, bucket: str) -> None:
    allow = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def test_a_redirect_leads_on(chromium: Any, gallery_site: Path, address: str) -> None:
    watched = Watched(chromium, address)
    pointer = urls.pointer_page(records.AREA, records.TARGET, "latest")
    watched.page.goto(f"{address}/{pointer}")
    watched.page.wait_for_url("**/ww47.5/index.html")
    assert watched.trouble == []
    watched.context.close()


def test_without_script_every_kind_says_what_it_knows(plain: Watched, gallery_site: Path) -> None:
    for kind, path in _pages(gallery_site).items():
        page = plain.go(gallery_site, path)
        assert page.locator("h1").inner_text().strip(), kind
        assert page.get_by_role("button").count() == 0, kind
        assert page.locator("main").inner_text().strip(), kind
        if kind not in {"notfound"}:
            # A script that a page asks for ahead of its need is refused where scripts are off.
            assert [one for one in plain.trouble if not one.endswith(".js: csp")] == [], kind
        plain.trouble.clear()


def test_a_page_that_breaks_the_policy_is_seen(chromium: Any, tmp_path: Path) -> None:
    policy = "default-src 'none'; script-src 'self'"
    text = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><h1>x</h1>'
    (tmp_path / "page.html").write_text(f"{text}<script>1</script><img src=http://127.0.0.1:9/x>")
    watched = Watched(chromium)
    watched.page.goto((tmp_path / "page.html").as_uri())
    assert len(watched.page.evaluate("policyReports")) == 2
    assert watched.trouble
    watched.context.close()
