"""A database that stays locked is named with who holds it."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mtsite.errors import AreaBusyError
from mtsite.megatest.database import open_read_only
from mtsite.megatest.holders import lock_holders

HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "megatest.db"
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("CREATE TABLE t (x)")
    return made


@pytest.fixture
def holder(path: Path) -> Iterator[int]:
    """The id of another process that has locked the database for good."""
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.stdin.close()


def test_who_holds_a_lock_is_told_after_a_bounded_wait(path: Path, holder: int) -> None:
    with pytest.raises(AreaBusyError, match=r"megatest\.db: the database is locked") as caught:
        open_read_only(path, busy_seconds=0.05)
    assert caught.value.message.count("locked") == 1
    assert "run again later" in caught.value.hint
    if lock_holders(path):  # a sandbox may hide the locks of its processes
        assert f"by process {holder} (python" in caught.value.message


def table(tmp_path: Path, *lines: str) -> Path:
    """A list of locks as Linux writes it."""
    made = tmp_path / "locks"
    made.write_text("".join(f"{number}: {line}\n" for number, line in enumerate(lines, 1)))
    return made


def test_only_holders_of_that_file_are_named(path: Path, tmp_path: Path) -> None:
    status = path.stat()
    here = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    locks = table(
        tmp_path,
        f"POSIX  ADVISORY  WRITE 999999999 {here} 1073741824 1073742335",
        f"-> POSIX  ADVISORY  READ 999999998 {here} 1073741824 1073742335",
        "POSIX  ADVISORY  WRITE 999999997 fe:fe:1 0 EOF",
        f"OFDLCK ADVISORY  WRITE -1 {here} 0 EOF",
        "garbage",
    )
    assert lock_holders(path, locks=locks) == "process 999999999"


def test_a_living_holder_is_named_with_its_program(path: Path, tmp_path: Path) -> None:
    status = path.stat()
    here = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    locks = table(tmp_path, f"POSIX ADVISORY WRITE {os.getpid()} {here} 0 EOF")
    assert f"process {os.getpid()} (" in lock_holders(path, locks=locks)
    assert " of " in lock_holders(path, locks=locks)


def test_without_a_list_of_locks_nobody_is_named(path: Path, tmp_path: Path) -> None:
    assert lock_holders(path, locks=tmp_path / "none") == ""
    assert lock_holders(tmp_path / "no.db") == ""
