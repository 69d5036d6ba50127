"""A homehost moves when nobody works: what lives in /tmp alone goes along, whatever dies."""

import ctypes
import json
import os
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from calling import called
from dying import ended, in_child
from rows import make_caches

from mtsite.archive.handover import DIRECTORY
from mtsite.archive.homehost import HomehostJob, HomehostPlan, hand_over, move_homehost
from mtsite.archive.homestate import look_at_homehost
from mtsite.archive.route import ignore
from mtsite.errors import BusyError, MissingError, UsageError, VerificationError
from mtsite.megatest import whole
from mtsite.megatest.homehost import Host, Terms, this_host

NEW_UTS, NEW_NET = 0x04000000, 0x40000000
NOW = BASE + 100 * DAY
TERMS = Terms(NOW, quiet=1800, dead_after=7 * DAY)


def host(name: str, address: str) -> Host:
    return Host(name, address, {name, address}.__contains__)


OLD, NEW = host("h1", "192.0.2.1"), host("h2", "192.0.2.2")


class Hosts:
    """One area that two hosts see, each with a /tmp of its own; the live databases are on h1."""

    def __init__(self, root: Path, runs: int = 2) -> None:
        self.root = root
        self.area: TestArea = make_area(
            root,
            runs=[run("ubuntu/nfs", f"w{n}", tests=[test("t"), test("u")]) for n in range(runs)],
        )
        self.old_tmp, self.tmp = root / "h1tmp", root / "h2tmp"
        for directory in (self.old_tmp, self.tmp):
            directory.mkdir()
        self.live, self.reference = make_caches(self.area, self.old_tmp)
        self.put(
            self.live, "INSERT INTO test_rundat (test_id, update_time) SELECT id, 1 FROM tests"
        )
        self.put(
            self.live, "INSERT INTO archive_blocks (archive_disk_id, disk_path) VALUES (1, 'b')"
        )
        self.homehost.write_text("192.0.2.1\n")

    @property
    def homehost(self) -> Path:
        return self.area.path / ".homehost"

    @property
    def moved(self) -> Path:
        """Where the live database is to be on h2."""
        return self.tmp / self.live.relative_to(self.old_tmp)

    def put(self, database: Path, sql: str) -> None:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(sql)

    def job(self, here: Host = NEW, **changes: object) -> HomehostJob:
        tmp = self.old_tmp if here is OLD else self.tmp
        job = HomehostJob(here, TERMS, self.root / f"state-{here.name}", environ={}, tmp=tmp)
        return replace(job, **changes)  # type: ignore[arg-type] # names of its fields

    def hand_over(self, **changes: object) -> HomehostPlan:
        return hand_over(self.area.settings, self.job(OLD, **changes))

    def move(self, **changes: object) -> HomehostPlan:
        return move_homehost(self.area.settings, self.job(NEW, **changes))

    def assert_moved(self) -> None:
        assert self.homehost.read_text() == "192.0.2.2\n"
        assert whole_rows(self.moved) == whole_rows(self.live)
        assert whole_rows(self.moved.with_name("megatest_ref.db")) == whole_rows(self.reference)
        assert (self.moved.parent / ".ready-megatest").exists()
        assert not list(self.moved.parent.parent.glob("*.mtsite-new"))
        assert not (self.area.path / DIRECTORY).exists()


def whole_rows(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


def may_unshare() -> bool:
    """Whether this user may make host names and networks of its own."""
    calls = ctypes.CDLL(None)
    return not ended(in_child(lambda: os._exit(bool(calls.unshare(NEW_UTS | NEW_NET)))))


@pytest.fixture
def hosts(memory: Path) -> Hosts:
    return Hosts(memory)


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


@pytest.mark.parametrize("state", ["RUNNING", "LAUNCHED", "REMOTEHOSTSTART", "KILLREQ"])
def test_a_test_at_work_is_named_and_keeps_the_homehost(hosts, state):
    started = NOW - DAY
    hosts.put(
        hosts.live, f"UPDATE tests SET state = '{state}', event_time = {started} WHERE id = 1"
    )
    hosts.put(hosts.live, f"UPDATE tests SET last_update = {started}")
    with pytest.raises(BusyError, match=rf"test ubuntu/nfs/w0/t is {state}, last heard of") as no:
        hosts.move(old_tmp=hosts.old_tmp)
    assert no.value.exit_code == 11
    assert hosts.homehost.read_text() == "192.0.2.1\n"


def test_a_test_that_is_dead_for_long_counts_as_ended(hosts):
    hosts.area.execute("UPDATE tests SET state = 'RUNNING' WHERE id = 1")
    hosts.area.execute("DROP TRIGGER update_tests_trigger")
    hosts.area.execute(f"UPDATE tests SET last_update = {BASE}")
    hosts.move(old_tmp=hosts.old_tmp)
    hosts.assert_moved()


def test_it_runs_on_the_host_that_it_moves_to_alone(hosts, monkeypatch, capsys):
    (hosts.root / "mtsite.toml").write_text(f'[areas.fullrun]\npath = "{hosts.area.path}"\n')
    monkeypatch.chdir(hosts.root)
    words = ["homehost", "move", "--old-tmp", str(hosts.old_tmp), "fullrun", "192.0.2.9"]
    ended = called(words, capsys)
    assert ended.code == 11
    assert "not 192.0.2.9" in ended.err
    assert "run it on 192.0.2.9" in ended.err


def test_a_scheduled_move_leaves_an_area_alone_where_somebody_works(hosts, monkeypatch, capsys):
    (hosts.root / "mtsite.toml").write_text(f'[areas.fullrun]\npath = "{hosts.area.path}"\n')
    hosts.area.execute("UPDATE tests SET state = 'RUNNING', event_time = strftime('%s', 'now')")
    monkeypatch.chdir(hosts.root)
    words = ["homehost", "move", "--old-tmp", str(hosts.old_tmp), "--json", "fullrun"]
    assert called(words, capsys).code == 11
    quietly = called([*words, "--if-quiet"], capsys)
    assert quietly.code == 0
    assert "test ubuntu/nfs/w0/t is RUNNING" in json.loads(quietly.out)["left_alone"]
    assert hosts.homehost.read_text() == "192.0.2.1\n"


@pytest.mark.parametrize(("ago", "refused"), [(29, True), (31, False), (-10, True)])
def test_a_run_that_was_just_touched_keeps_the_homehost(hosts, ago, refused):
    hosts.area.execute(f"UPDATE runs SET event_time = {NOW - ago * 60} WHERE id = 2")
    hosts.area.execute("DROP TRIGGER update_runs_trigger")
    hosts.area.execute(f"UPDATE runs SET last_update = {NOW - ago * 60} WHERE id = 2")
    if refused:
        with pytest.raises(BusyError, match="run ubuntu/nfs/w1 was touched"):
            hosts.move(old_tmp=hosts.old_tmp)
    else:
        hosts.move(old_tmp=hosts.old_tmp)
        hosts.assert_moved()


@pytest.mark.parametrize(("quiet", "code"), [("30m", 0), ("2h", 11)])
def test_how_long_nothing_must_have_moved_is_configured(hosts, quiet, code, monkeypatch, capsys):
    settings = f'[areas.fullrun]\npath = "{hosts.area.path}"\n[homehost]\nquiet = "{quiet}"\n'
    (hosts.root / "mtsite.toml").write_text(settings)
    monkeypatch.chdir(hosts.root)
    hosts.area.execute("DROP TRIGGER update_runs_trigger")
    hosts.area.execute("UPDATE runs SET last_update = strftime('%s', 'now') - 3600 WHERE id = 1")
    words = ["homehost", "move", "-n", "--old-tmp", str(hosts.old_tmp), "fullrun"]
    ended = called(words, capsys)
    assert ended.code == code, ended.err
    assert ("run ubuntu/nfs/w0 was touched 60 min ago" in ended.err) == bool(code)


def test_a_living_server_keeps_the_homehost(hosts):
    log = hosts.area.path / "logs/server-1-h1.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("SERVER STARTED\n")
    os.utime(log, (NOW - 5, NOW - 5))
    with pytest.raises(BusyError, match="a server is alive"):
        hosts.move(old_tmp=hosts.old_tmp)


def test_a_sync_that_goes_on_keeps_the_homehost(hosts):
    mark = hosts.live.with_name(".start-sync")
    mark.touch()
    os.utime(mark, (NOW - 600, NOW - 600))
    with pytest.raises(BusyError, match=r"a sync with megatest\.db goes on"):
        hosts.move(old_tmp=hosts.old_tmp)


QUEUED = "INSERT INTO tasks_queue (action, target, name, state, params, creation_time)"


@pytest.mark.parametrize(
    ("state", "runner", "age", "refused"),
    [
        ("running", "h1 12", 3600, True),
        ("new", "", 3600, True),
        ("done", "h1 12", 60, False),
        ("running", "h1 12", 8 * DAY, False),
        ("running", f"{socket.gethostname()} {2**22 + 1}", 60, False),
        ("running", f"{socket.gethostname()} {os.getpid()}", 60, True),
    ],
    ids=["running", "waiting", "ended", "old", "died here", "lives here"],
)
def test_a_runner_that_noted_itself_keeps_the_homehost(hosts, state, runner, age, refused):
    values = f"('run-tests', 'ubuntu/nfs', 'w9', '{state}', '{runner}', {NOW - age})"
    hosts.put(hosts.live, f"{QUEUED} VALUES {values}")
    if refused:
        with pytest.raises(BusyError, match=f"task ubuntu/nfs/w9 is {state} for run-tests"):
            hosts.move(old_tmp=hosts.old_tmp)
    else:
        hosts.move(old_tmp=hosts.old_tmp)
        hosts.assert_moved()


@pytest.mark.parametrize(
    ("name", "age", "refused"),
    [("build-run-12", 60, True), ("build-run-12", 3600, False), ("LAST_UPDATE", 60, False)],
)
def test_a_named_lock_that_is_fresh_keeps_the_homehost(hosts, name, age, refused):
    no_sync = hosts.live.with_name("no-sync.db")
    hosts.put(no_sync, "PRAGMA journal_mode = WAL")
    hosts.put(no_sync, "CREATE TABLE no_sync_metadat (var TEXT, val TEXT, UNIQUE (var))")
    hosts.put(no_sync, f"INSERT INTO no_sync_metadat VALUES ('{name}', '{NOW - age}.0')")
    if refused:
        with pytest.raises(BusyError, match=rf"lock .*no-sync\.db: {name} was taken 1 min ago"):
            hosts.move(old_tmp=hosts.old_tmp)
    else:
        hosts.move(old_tmp=hosts.old_tmp)
        hosts.assert_moved()


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
