"""A publish that dies anywhere: readers find no dead link, and the next one finishes."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from publishing import Publishing, Watched, add_run, dead_links, page, small_site

from mtsite.errors import DestinationError
from mtsite.publish.destination import Destination

pytestmark = pytest.mark.faults

CHILD = """
import os, sys, time
from pathlib import Path
from mtsite.config import PublishConfig
from publishing import Publishing, Watched, small_site, add_run
root, www, allowed, runs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
publisher = Publishing(root, www, PublishConfig(threads=2))
site = small_site(2)
for number in range(2, runs):
    add_run(site, number)
publisher.build(site)
done = []
def before(kind, path):
    done.append(path)
    time.sleep(0.005)  # a network's pace
    if len(done) > allowed:
        os.kill(os.getpid(), 9)
publisher.wrap = lambda destination: Watched(destination, before)
publisher.publish()
"""


class Refused(Exception):
    """Stands for a death of the process: nothing of the publish runs after it."""


def dies_after(count: int) -> "Watcher":
    return Watcher(count)


class Watcher:
    """Wraps the destination; after so many requests the publish ends there and then."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen = 0
        self.last: Watched | None = None

    def __call__(self, destination: Destination) -> Destination:
        self.last = Watched(destination, self.before)
        return self.last

    def before(self, kind: str, path: str) -> None:
        del kind, path
        self.seen += 1
        if self.seen > self.count:
            raise Refused


def entrances(site: dict[str, bytes]) -> list[str]:
    return [path for path in site if path.endswith(".html")]


def test_killed_at_every_request_readers_find_no_dead_link(tmp_path: Path) -> None:
    """The new generation adds a run, changes pages and drops one."""
    old = small_site(2) | {"a/old.html": b"old"}
    new = small_site(2)
    add_run(new, 2)
    total = None
    for position in range(200):
        one = Publishing(tmp_path / f"{position}", str(tmp_path / f"www{position}"))
        one.build(old)
        one.publish()
        one.build(new)
        one.wrap = dies_after(position)
        try:
            one.publish()
        except Refused:
            pass
        else:
            total = position
        stored = one.stored()
        assert dead_links(stored) == set(), position
        assert dead_links(stored, entrances(old)) == set(), position
        one.wrap = lambda destination: destination
        one.publish()
        assert one.stored() == new | {"a/old.html": b"old"}
        assert one.publish().requests == {"GET": 1}
        if total is not None:
            break
    assert total is not None
    assert total > 8


def test_killed_at_every_request_of_a_first_publish(tmp_path: Path) -> None:
    site = small_site(2)
    for position in range(len(site) + 4):
        one = Publishing(tmp_path / f"{position}", str(tmp_path / f"www{position}"))
        one.build(site)
        one.wrap = dies_after(position)
        with contextlib.suppress(Refused):
            one.publish()
        assert dead_links(one.stored()) == set(), position
        one.wrap = lambda destination: destination
        one.publish()
        assert one.stored() == site


def test_a_process_killed_by_sigkill_goes_on_and_sends_nothing_twice(tmp_path: Path) -> None:
    site = small_site(2)
    for number in range(2, 12):
        add_run(site, number)
    root, www = tmp_path / "one", str(tmp_path / "www")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    sent = 0
    for allowed in (7, 20, 31):
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(root), www, str(allowed), "12"],
            env=environment,
            check=False,
        )
        assert child.returncode == -9
        one = Publishing(root, www)
        assert dead_links(one.stored()) == set()
    one.build(site)
    watcher = Watcher(10**9)
    one.wrap = watcher
    summary = one.publish()
    sent = summary.new + summary.changed
    assert one.stored() == site
    # Of each killed publish, only what was under way in its two threads may go twice.
    put = sum(allowed - 1 for allowed in (7, 20, 31))
    assert summary.resumed + sent == len(site)
    assert summary.resumed >= min(put, len(site)) - 3 * 2 * 2


def test_killed_before_the_root_nothing_is_sent_twice(tmp_path: Path) -> None:
    one = Publishing(tmp_path / "one", str(tmp_path / "www"))
    one.build(small_site(4))
    one.wrap = lambda destination: Watched(destination, refuse_root)
    with pytest.raises(Refused):
        one.publish()
    one.wrap = lambda destination: destination
    summary = one.publish()
    assert (summary.new, summary.changed, summary.resumed) == (0, 0, len(one.tree))


def test_what_a_killed_publish_had_put_is_told_to_caches_by_the_next(tmp_path: Path) -> None:
    one = Publishing(tmp_path / "one", str(tmp_path / "www"))
    one.build(small_site(4))
    one.publish()
    one.build(one.tree | {"a/index.html": b"changed"})
    one.wrap = lambda destination: Watched(destination, refuse_root)
    with pytest.raises(Refused):
        one.publish()
    one.wrap = lambda destination: destination
    (one.tree_dir / "_status.json").write_bytes(b"{}")
    assert one.publish(dry_run=True).paths == ["a/index.html", "_status.json"]
    assert one.publish().paths == ["a/index.html", "_status.json"]
    assert one.publish().paths == []


def refuse_root(kind: str, path: str) -> None:
    if (kind, path) == ("PUT", "_manifest/root.json"):
        raise Refused


def test_killed_after_the_root_before_it_is_noted(tmp_path: Path) -> None:
    """The ledger is that of before; the destination is already new."""
    one = Publishing(tmp_path / "one", str(tmp_path / "www"))
    one.build(small_site(2))
    one.publish()
    before = one.ledger_file.read_bytes()
    site = small_site(2) | {"a/index.html": page("t/index.html", text="new")}
    one.build(site)
    one.publish()
    one.ledger_file.write_bytes(before)
    assert one.publish().requests["PUT"] == 0
    assert one.publish().requests == {"GET": 1}


def test_half_sent_and_taken_back_the_old_page_is_sent_again(tmp_path: Path) -> None:
    one = Publishing(tmp_path / "one", str(tmp_path / "www"))
    one.build(small_site(2))
    one.publish()
    one.build(small_site(2) | {"a/index.html": b"never wanted"})
    one.wrap = lambda destination: Watched(destination, refuse_root)
    with pytest.raises(Refused):
        one.publish()
    one.wrap = lambda destination: destination
    one.build(small_site(2))
    one.publish()
    assert one.stored() == small_site(2)


def test_rubbish_of_a_killed_publish_is_deleted_after_the_grace_time(tmp_path: Path) -> None:
    one = Publishing(tmp_path / "one", str(tmp_path / "www"))
    one.build(small_site(2))
    one.publish()
    one.build(small_site(2) | {"a/never.html": b"never published"})
    one.wrap = lambda destination: Watched(destination, refuse_root)
    with pytest.raises(Refused):
        one.publish()
    one.wrap = lambda destination: destination
    one.build(small_site(2))
    one.publish(now=1000)
    assert "a/never.html" in one.stored()
    one.publish(now=1000 + 7 * 86400)
    assert one.stored() == small_site(2)


def test_a_failed_upload_stops_before_anything_leads_to_it(tmp_path: Path) -> None:
    one = Publishing(tmp_path / "one", str(tmp_path / "www"))
    one.build(small_site(2) | {"a/old.html": b"old"})
    one.publish(now=1000)
    one.build(small_site(2))
    one.publish(now=1001)
    site = small_site(2)
    add_run(site, 2)
    one.build(site)

    def refuse(kind: str, path: str) -> None:
        if path.endswith("w02/compile/index.html"):
            raise DestinationError(f"{path}: no space left", "free some space")

    opened: list[Watched] = []

    def wrap(destination: Destination) -> Destination:
        opened.append(Watched(destination, refuse))
        return opened[-1]

    one.wrap = wrap
    with pytest.raises(DestinationError, match="w02/compile"):
        one.publish(now=1000 + 30 * 86400)
    assert dead_links(one.stored()) == set()
    assert not [seen for seen in opened[0].seen if seen[0] == "DELETE"]
    assert "index.html" not in opened[0].puts()
    one.wrap = lambda destination: destination
    assert one.publish(now=1002).new <= 3
