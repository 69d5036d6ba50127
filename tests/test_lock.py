import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from dying import ended, in_child

from mtsite import lock
from mtsite.errors import BusyError, MtsiteError

SINCE = 1795140840.0  # 2026-11-20 02:14 UTC
HOLD_AND_SLEEP = """
import sys, time
from pathlib import Path
from mtsite import lock
with lock.hold(Path(sys.argv[1]), "site", "mtsite nightly"):
    print("held", flush=True)
    time.sleep(60)
"""


def _child(directory: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD_AND_SLEEP, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def _leave(directory: Path, **told: object) -> None:
    whole = {"host": socket.gethostname(), "pid": 1, "started": "", "command": "mtsite build"}
    (directory / "site.lock").write_text(json.dumps({**whole, "since": SINCE, **told}))


def test_a_second_holder_is_told_who_where_since_when(tmp_path: Path) -> None:
    with (
        lock.hold(tmp_path, "site", "mtsite nightly", now=lambda: SINCE),
        pytest.raises(BusyError) as refused,
        lock.hold(tmp_path, "site", "mtsite build"),
    ):
        pass
    assert refused.value.message == (
        f"site is locked by `mtsite nightly` on host {socket.gethostname()}, pid {os.getpid()},"
        " since 2026-11-20 02:14 UTC"
    )
    assert refused.value.hint.startswith("wait, or ")
    assert refused.value.exit_code == 11


def test_released_when_the_block_ends_or_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.hold(tmp_path, "site", "x"):
        raise ZeroDivisionError
    with lock.hold(tmp_path, "site", "x"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_other_names_are_other_locks(tmp_path: Path) -> None:
    with lock.hold(tmp_path, "site", "x"), lock.hold(tmp_path, "build", "y"):
        held = {name: lock.holder_of(tmp_path, name) for name in ("site", "build")}
    assert {name: one and one.command for name, one in held.items()} == {"site": "x", "build": "y"}


def test_a_killed_process_is_taken_over_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    child = _child(tmp_path)
    child.kill()
    child.communicate()
    with caplog.at_level(logging.WARNING), lock.hold(tmp_path, "site", "mtsite build"):
        pass
    assert f"took over the lock of `mtsite nightly` on host {socket.gethostname()}" in caplog.text


def test_a_living_process_is_respected_until_it_ends(tmp_path: Path) -> None:
    child = _child(tmp_path)
    try:
        with pytest.raises(BusyError, match=f"pid {child.pid}"), lock.hold(tmp_path, "site", "x"):
            pass
        assert lock.holder_of(tmp_path, "site") is not None
    finally:
        child.kill()
        child.communicate()
    assert lock.holder_of(tmp_path, "site") is None


def test_waiting_gets_the_lock_when_it_is_let_go(tmp_path: Path) -> None:
    child = _child(tmp_path)
    killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {child.pid}"])
    with lock.hold(tmp_path, "site", "x", wait_seconds=20):
        holder = lock.holder_of(tmp_path, "site")
    killer.wait()
    child.communicate()
    assert child.returncode == -9
    assert holder is not None and (holder.pid, holder.command) == (os.getpid(), "x")


def test_a_pid_used_again_by_another_process_is_dead(tmp_path: Path) -> None:
    _leave(tmp_path, pid=os.getpid(), started="another-boot/12")
    assert lock.holder_of(tmp_path, "site") is None
    with lock.hold(tmp_path, "site", "x"):
        holder = lock.holder_of(tmp_path, "site")
    assert holder is not None and holder.command == "x"


def test_another_host_is_always_respected(tmp_path: Path) -> None:
    _leave(tmp_path, host="elsewhere", pid=2**22 + 1)
    with (
        pytest.raises(BusyError, match="on host elsewhere") as refused,
        lock.hold(tmp_path, "site", "x"),
    ):
        pass
    assert str(tmp_path / "site.lock") in refused.value.hint


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"12345\n", "was not written by mtsite"),
        (b'{"pid": 1}', "was not written by mtsite"),
        (b"\xff\xfe", "was not written by mtsite"),
    ],
)
def test_a_lock_file_that_tells_nothing_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "site.lock").write_bytes(content)
    with pytest.raises(BusyError, match=told) as refused, lock.hold(tmp_path, "site", "x"):
        pass
    assert str(tmp_path / "site.lock") in refused.value.message


def test_a_lock_file_that_cant_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "site.lock").mkdir()
    with pytest.raises(BusyError, match="can't be read"), lock.hold(tmp_path, "site", "x"):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="not applicable: nobody else's file can be made")
def test_a_lock_file_of_another_user_is_respected(tmp_path: Path) -> None:
    _leave(tmp_path, host="elsewhere")
    (tmp_path / "site.lock").chmod(0o600)

    def ask_as_nobody() -> None:
        os.chown(tmp_path, 65534, 65534)
        os.chdir(tmp_path)  # the directories above are not for everybody
        os.setuid(65534)
        with pytest.raises(BusyError, match="can't be read"), lock.hold(Path(), "site", "x"):
            pass

    assert ended(in_child(ask_as_nobody)) == 0


def test_terminal_codes_of_a_lock_file_are_not_shown(tmp_path: Path) -> None:
    _leave(tmp_path, host="\x1b[31mevil", command="a\nb")
    with pytest.raises(BusyError) as refused, lock.hold(tmp_path, "site", "x"):
        pass
    assert (refused.value.message + refused.value.hint).isprintable()


def test_a_place_that_can_not_hold_a_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, not a directory")
    with (
        pytest.raises(MtsiteError, match="can't be written"),
        lock.hold(tmp_path / "state", "s", "x"),
    ):
        pass


def test_one_winner_among_many_that_find_a_dead_lock(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from mtsite import lock; import time\n"
        "from mtsite.errors import BusyError\n"
        "try:\n"
        "  with lock.hold(Path(sys.argv[1]), 'site', 'x'):\n"
        "    print('won', flush=True); sys.stdin.read()\n"
        "except BusyError: print('lost', flush=True)\n"
    )
    _leave(tmp_path, pid=2**22 + 1)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(8)
    ]
    said = [child.stdout.readline().strip() for child in children if child.stdout]
    for child in children:
        child.communicate()
    assert sorted(said) == ["lost"] * 7 + ["won"]
