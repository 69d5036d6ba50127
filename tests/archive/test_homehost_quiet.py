"""What keeps a homehost where it is: tests at work, servers, syncs, runners, locks, fresh rows."""

import json
import os
import socket

import pytest
from areas import BASE, DAY
from calling import called
from twohosts import NOW

from mtsite.errors import BusyError


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
