"""A homehost moves when nobody works: what lives in /tmp alone goes along, whatever dies."""

import ctypes
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from calling import called
from dying import ended, in_child
from msgspec.structs import replace
from twohosts import NEW, OLD, TERMS, Hosts, whole_rows

from mtsite.archive.handover import DIRECTORY
from mtsite.archive.homehost import hand_over, move_homehost
from mtsite.archive.homestate import look_at_homehost
from mtsite.archive.route import ignore
from mtsite.errors import BusyError, MissingError, UsageError, VerificationError
from mtsite.megatest import whole
from mtsite.megatest.homehost import this_host

NEW_UTS, NEW_NET = 0x04000000, 0x40000000


def may_unshare() -> bool:
    """Whether this user may make host names and networks of its own."""
    calls = ctypes.CDLL(None)
    return not ended(in_child(lambda: os._exit(bool(calls.unshare(NEW_UTS | NEW_NET)))))


def test_a_cache_whose_host_can_be_seen_moves_whole(hosts):
    done = hosts.move(old_tmp=hosts.old_tmp)
    assert (done.homehost, done.entry) == ("192.0.2.1", "192.0.2.2")
    hosts.assert_moved()


def test_a_cache_that_was_handed_over_moves_whole(hosts):
    hosts.hand_over()
    rows = whole_rows(hosts.live)
    shutil.rmtree(hosts.old_tmp / "matt")
    hosts.move()
    assert hosts.homehost.read_text() == "192.0.2.2\n"
    assert whole_rows(hosts.moved) == rows
    assert not (hosts.area.path / DIRECTORY).exists()


def test_again_is_nothing(hosts):
    hosts.move(old_tmp=hosts.old_tmp)
    done = hosts.move()
    assert (done.entry, done.carried) == ("", ())
    hosts.assert_moved()


def test_a_dry_run_changes_nothing(hosts):
    before = {path: path.stat().st_mtime_ns for path in sorted(hosts.root.rglob("*"))}
    planned = hosts.move(old_tmp=hosts.old_tmp, dry_run=True)
    assert [one.place for one in planned.carried] == [hosts.moved.parent]
    assert {path: path.stat().st_mtime_ns for path in sorted(hosts.root.rglob("*"))} == before


def test_a_host_whose_tmp_can_not_be_seen_is_refused(hosts):
    with pytest.raises(
        BusyError, match=r"live database in /tmp of 192\.0\.2\.1 can't be read"
    ) as no:
        hosts.move()
    assert "hand-over fullrun` on 192.0.2.1" in no.value.hint
    assert hosts.homehost.read_text() == "192.0.2.1\n"


def test_an_empty_mount_point_is_not_taken_for_a_host_without_caches(hosts):
    (hosts.root / "unmounted").mkdir()
    with pytest.raises(BusyError, match=r"nothing of it is below .*unmounted"):
        hosts.move(old_tmp=hosts.root / "unmounted")


def test_a_host_that_is_gone_leaves_what_megatest_db_has(hosts):
    hosts.move(without_old_cache=True)
    (made,) = hosts.tmp.glob("*/megatest_localdb/*/*/megatest.db")
    assert whole_rows(made) == whole_rows(hosts.area.database)
    assert hosts.homehost.read_text() == "192.0.2.2\n"


def test_it_runs_on_the_host_that_it_moves_to_alone(hosts, monkeypatch, capsys):
    (hosts.root / "mtsite.toml").write_text(f'[areas.fullrun]\npath = "{hosts.area.path}"\n')
    monkeypatch.chdir(hosts.root)
    words = ["homehost", "move", "--old-tmp", str(hosts.old_tmp), "fullrun", "192.0.2.9"]
    ended = called(words, capsys)
    assert ended.code == 11
    assert "not 192.0.2.9" in ended.err
    assert "run it on 192.0.2.9" in ended.err


def test_what_lay_in_its_place_is_set_aside(hosts):
    hosts.moved.parent.mkdir(parents=True)
    shutil.copyfile(hosts.area.database, hosts.moved)
    hosts.put(hosts.moved, "DELETE FROM tests")
    before = whole_rows(hosts.moved)
    (aside,) = hosts.move(old_tmp=hosts.old_tmp).aside
    assert whole_rows(aside / "megatest.db") == before
    hosts.assert_moved()


def test_work_after_the_hand_over_makes_it_void(hosts):
    hosts.hand_over()
    hosts.area.execute("INSERT INTO metadat (var, val) VALUES ('more', '1')")
    with pytest.raises(BusyError, match="was worked in since the hand-over of h1 on"):
        hosts.move()
    hosts.hand_over()
    hosts.move()
    hosts.assert_moved()


def test_a_server_that_lived_after_the_hand_over_makes_it_void(hosts):
    hosts.hand_over()
    log = hosts.area.path / "logs/server-1-h1.log"
    log.parent.mkdir(exist_ok=True)
    log.touch()
    later = int(time.time()) + 60
    os.utime(log, (later, later))
    with pytest.raises(BusyError, match="was worked in since"):
        hosts.move(terms=replace(TERMS, now=later + 60))


def test_only_the_homehost_hands_over(hosts):
    with pytest.raises(BusyError, match=r"its homehost is 192\.0\.2\.1, this is h2"):
        hand_over(hosts.area.settings, hosts.job(NEW))


def test_a_host_without_caches_has_nothing_to_hand_over(hosts):
    shutil.rmtree(hosts.old_tmp / "matt")
    with pytest.raises(MissingError, match="nothing to hand over"):
        hosts.hand_over()


def test_an_entry_in_megatest_config_is_named_with_its_line(hosts):
    config = hosts.area.path / "megatest.config"
    config.write_text(config.read_text() + "\n[server]\nhomehost h9\n")
    line = len(config.read_text().splitlines())
    with pytest.raises(UsageError, match=rf"megatest\.config:{line}: \[server\] homehost = h9"):
        hosts.move(old_tmp=hosts.old_tmp)


def test_a_copy_that_is_not_its_source_changes_nothing(hosts, monkeypatch):
    def copy_badly(source: Path, copy: Path) -> None:
        whole.copy_whole(source, copy)
        hosts.put(copy, "UPDATE tests SET status = 'PASSED' WHERE id = 1")

    monkeypatch.setattr("mtsite.archive.homehost.copy_whole", copy_badly)
    with pytest.raises(VerificationError, match="1 of tests"):
        hosts.move(old_tmp=hosts.old_tmp)
    assert hosts.homehost.read_text() == "192.0.2.1\n"
    assert not hosts.moved.exists()


def test_a_write_while_it_moves_is_seen(hosts):
    def write(step: str) -> None:
        if step == "draft finished":
            hosts.put(hosts.live, "INSERT INTO metadat (var, val) VALUES ('more', '1')")

    with pytest.raises(BusyError, match="was written meanwhile"):
        hosts.move(old_tmp=hosts.old_tmp, checkpoint=write)
    assert not hosts.moved.exists()


@pytest.mark.faults
@pytest.mark.parametrize("by", ["sight", "hand-over"])
def test_killed_at_every_step_and_again(memory, by):
    steps = _steps(memory / "model", by)
    assert len(steps) >= 5
    for number in range(len(steps)):
        hosts = Hosts(_made(memory / f"{number}"))
        _call(hosts, by, _dying(number))
        assert hosts.homehost.read_text() in {"192.0.2.1\n", "192.0.2.2\n"}
        if hosts.homehost.read_text() == "192.0.2.2\n":
            assert whole_rows(hosts.moved) == whole_rows(hosts.live)
        _call(hosts, by, ignore)
        hosts.assert_moved()
        shutil.rmtree(hosts.root)


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def _steps(root: Path, by: str) -> list[str]:
    hosts = Hosts(_made(root))
    steps: list[str] = []
    if by == "hand-over":
        hosts.hand_over(checkpoint=steps.append)
        hosts.move(checkpoint=steps.append)
    else:
        hosts.move(old_tmp=hosts.old_tmp, checkpoint=steps.append)
    return steps


def _dying(number: int):
    seen: list[str] = []

    def die(where: str) -> None:
        seen.append(where)
        if len(seen) > number:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def _call(hosts: Hosts, by: str, checkpoint) -> None:
    """Both verbs in a child that may die in either of them."""
    moved = hosts.homehost.read_text() == "192.0.2.2\n"

    def work() -> None:
        if by == "hand-over":
            if not moved:
                hosts.hand_over(checkpoint=checkpoint)
            hosts.move(checkpoint=checkpoint)
        else:
            hosts.move(old_tmp=hosts.old_tmp, checkpoint=checkpoint)

    assert ended(in_child(work)) in {0, -signal.SIGKILL}


def test_show_tells_what_only_the_cache_has(hosts):
    found = look_at_homehost(hosts.area.settings, hosts.job(OLD))
    assert found.is_here
    assert found.signs == ()
    assert found.caches[0].only_there == {"test_rundat": 4, "archive_blocks": 1}


@pytest.mark.faults
@pytest.mark.skipif(not may_unshare(), reason="not applicable: no namespaces for this user")
def test_between_two_hosts_of_namespaces(hosts):
    """Host names and networks of their own: each is asked who it is, none can be told."""
    hosts.homehost.write_text("h1\n")
    for name, verb, tmp in (("h1", hand_over, hosts.old_tmp), ("h2", move_homehost, hosts.tmp)):

        def work(name: str = name, verb: Any = verb, tmp: Path = tmp) -> None:
            socket.sethostname(name)
            verb(hosts.area.settings, replace(hosts.job(), here=this_host(), tmp=tmp))

        assert ended(in_child(partial(in_namespaces, work))) == 0
    assert hosts.homehost.read_text() == "h2\n"
    assert whole_rows(hosts.moved) == whole_rows(hosts.live)


def in_namespaces(work: Callable[[], None]) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_UTS | NEW_NET):
        raise OSError(ctypes.get_errno(), "unshare")
    work()
