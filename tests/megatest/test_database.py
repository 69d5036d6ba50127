"""Opening databases: no trace is left, and every trouble has its name."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mtsite.errors import AreaBusyError, AreaUnreadableError, MissingError
from mtsite.megatest import database

DIE_IN_A_TRANSACTION = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 5")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE t SET x = 'changed ' || x")
os._exit(0)
"""
COMMIT_AND_DIE = """
import os, sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).execute("INSERT INTO t VALUES ('late')")
os._exit(0)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make(tmp_path / "megatest.db")


def make(path: Path, mode: str = "delete") -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 500)
        connection.commit()
    return path


def run_code(code: str, path: Path) -> None:
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def test_reading_leaves_no_file_and_no_change(path: Path) -> None:
    before = path.read_bytes(), path.stat().st_mtime_ns
    with database.reading(path) as connection:
        assert count(connection) == 500
        assert sorted(each.name for each in path.parent.iterdir()) == ["megatest.db"]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [each.name for each in path.parent.iterdir()] == ["megatest.db"]


def test_what_is_read_can_not_be_written(path: Path) -> None:
    connection = database.open_read_only(path)
    with closing(connection), pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM t")


@pytest.mark.parametrize("name", ["a b?mode=rw#x.db", "100%41.db", "ü'\".db", "\udcff.db"])
def test_any_file_name_is_opened_as_it_is(tmp_path: Path, name: str) -> None:
    make(tmp_path / "plain.db").rename(tmp_path / name)
    with database.reading(tmp_path / name) as connection:
        assert count(connection) == 500
    assert len(list(tmp_path.iterdir())) == 1


def test_a_path_with_two_leading_slashes_is_a_path(path: Path) -> None:
    with database.reading(Path(f"/{path}")) as connection:
        assert count(connection) == 500


def test_text_that_is_not_utf8_survives(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO t VALUES (CAST(x'61ff62' AS TEXT))")
    with database.reading(path) as connection:
        found = connection.execute("SELECT x FROM t ORDER BY rowid DESC").fetchone()
    assert found == ("a\udcffb",)


def test_a_dead_writers_journal_is_undone_in_a_copy(path: Path) -> None:
    run_code(DIE_IN_A_TRANSACTION, path)
    files = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    assert "megatest.db-journal" in files
    with database.reading(path) as connection:
        assert "journal" in connection.note
        assert connection.execute("SELECT count(*) FROM t WHERE x LIKE 'ch%'").fetchone() == (0,)
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == files


def test_the_copy_goes_away_when_it_is_closed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_code(DIE_IN_A_TRANSACTION, path)
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(private))
    with database.reading(path):
        assert list(private.iterdir())
    assert not list(private.iterdir())


def test_a_wal_database_that_nobody_has_open_is_copied(tmp_path: Path) -> None:
    path = make(tmp_path / "megatest.db", "wal")
    with database.reading(path) as connection:
        assert count(connection) == 500
        assert connection.note
    assert [each.name for each in tmp_path.iterdir()] == ["megatest.db"]


def test_a_wal_database_in_use_shows_what_was_committed(tmp_path: Path) -> None:
    path = make(tmp_path / "megatest.db", "wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("INSERT INTO t VALUES ('late')")
        with database.reading(path) as connection:
            assert count(connection) == 501
            writer.execute("INSERT INTO t VALUES ('later')")
            assert count(connection) == 502


def test_a_dead_writers_wal_is_not_lost(tmp_path: Path) -> None:
    path = make(tmp_path / "megatest.db", "wal")
    run_code(COMMIT_AND_DIE, path)
    path.with_name("megatest.db-shm").unlink()
    with database.reading(path) as connection:
        assert count(connection) == 501
    assert not path.with_name("megatest.db-shm").exists()


def test_a_lock_past_the_timeout_is_busy(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(AreaBusyError, match=r"megatest\.db") as caught:
            database.open_read_only(path, busy_seconds=0.05)
    assert caught.value.exit_code == 11
    assert caught.value.hint


def test_an_error_inside_the_block_has_a_name(path: Path) -> None:
    with (
        pytest.raises(AreaUnreadableError, match="no such table"),
        database.reading(path) as connection,
    ):
        connection.execute("SELECT * FROM absent")


@pytest.mark.parametrize(
    "content", [b"just text, and not even a little of it" * 9, b"SQLite format 3\0", b"\0" * 4096]
)
def test_another_file_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "megatest.db"
    path.write_bytes(content)
    with pytest.raises(AreaUnreadableError, match=r"megatest\.db"):
        database.open_read_only(path)


def test_a_truncated_database_is_unreadable(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(AreaUnreadableError, match="malformed") as caught:
        database.open_read_only(path)
    assert "quick_check" in caught.value.hint


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        database.open_read_only(tmp_path / "megatest.db")
    assert not list(tmp_path.iterdir())


def test_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "megatest.db")
    with pytest.raises(AreaUnreadableError, match="not a regular file"):
        database.open_read_only(tmp_path / "megatest.db")


def test_a_mark_stands_still_until_a_commit(path: Path) -> None:
    before = database.mark(path)
    with database.reading(path) as connection:
        count(connection)
    assert database.mark(path) == before
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE t SET x = 'y' WHERE rowid = 1")
    assert database.mark(path).change_counter == before.change_counter + 1


def test_a_mark_sees_what_only_the_wal_has(tmp_path: Path) -> None:
    path = make(tmp_path / "megatest.db", "wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        before = database.mark(path)
        writer.execute("INSERT INTO t VALUES ('late')")
        assert database.mark(path) != before


def test_writing_is_durable_and_by_hand(path: Path) -> None:
    with closing(database.open_for_writing(path)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM t")
        connection.execute("ROLLBACK")
        assert count(connection) == 500


def test_writing_never_makes_a_database(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        database.open_for_writing(tmp_path / "megatest.db")
    assert not list(tmp_path.iterdir())
