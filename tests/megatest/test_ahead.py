"""Digests of runs that are made from the source while the runs are copied."""

import sqlite3
import threading
from concurrent.futures import Future
from contextlib import closing, contextmanager

import pytest
from areas import datum, make_area, run, step, test

from mtsite.megatest.ahead import Ahead, digests_ahead
from mtsite.megatest.compare import attach_to_read
from mtsite.megatest.completed import make_completed
from mtsite.megatest.database import open_for_writing
from mtsite.megatest.direct import SOURCE, copy_directly
from mtsite.megatest.shape import read_shapes
from mtsite.megatest.stored import digest_stored
from mtsite.megatest.transfer import Store


@pytest.fixture
def area(tmp_path):
    tests = [
        test("compile", steps=[step("build")], data=[datum("c", "v", value=1.5)]),
        test("regress", items=["fast", "slow"]),
    ]
    return make_area(tmp_path, runs=[run("u/nfs", name, tests=tests) for name in ("w1", "w2")])


@contextmanager
def opened(area):
    """The archive inside a transaction, and the source."""
    with closing(open_for_writing(area.database)) as here:
        source = Store(area.database, here, read_shapes(here))
        make_completed(here, area.completed)
        with closing(open_for_writing(area.completed)) as there:
            attach_to_read(there, area.database, SOURCE)
            there.execute("BEGIN IMMEDIATE")
            yield Store(area.completed, there, read_shapes(there)), source
            there.execute("ROLLBACK")


def test_a_digest_made_ahead_is_that_of_the_copy(area):
    with opened(area) as (archive, source), digests_ahead(archive, source, [1, 2]) as ahead:
        for run_id in (1, 2):
            counts = copy_directly(archive, source.shapes, run_id)
            columns = {table: sorted(archive.shapes[table].columns) for table in counts}
            assert ahead(run_id) == digest_stored(archive, run_id, columns)


def test_nobody_commits_to_the_source_while_digests_are_made(area):
    with opened(area) as (archive, source), digests_ahead(archive, source, [1]) as ahead:
        assert ahead(1)
        with (
            closing(sqlite3.connect(area.database, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
            other,
        ):
            other.execute("UPDATE tests SET comment = 'late'")


def test_the_source_can_be_written_when_its_digests_are_made(area):
    with opened(area) as (archive, source), digests_ahead(archive, source, [1, 2]) as ahead:
        assert ahead(2)
    area.execute("UPDATE tests SET comment = 'late'")


def test_a_writer_that_waits_for_the_copying_is_not_waited_for(area):
    with opened(area) as (archive, source), closing(sqlite3.connect(area.database)) as other:
        other.execute("PRAGMA busy_timeout = 0")
        archive.connection.execute(f"SELECT 1 FROM {SOURCE}.runs").fetchone()
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE tests SET comment = 'late'")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("COMMIT")
        with digests_ahead(archive, source, [1]) as ahead:
            ahead(1)
        other.rollback()


def test_a_wal_database_has_no_digest_ahead(area):
    area.execute("PRAGMA journal_mode = WAL")
    with opened(area) as (archive, source), digests_ahead(archive, source, [1]) as ahead:
        assert ahead(1) is None


def test_an_archive_of_other_columns_has_no_digest_ahead(area):
    with opened(area) as (archive, source):
        archive.connection.execute("ALTER TABLE test_data ADD COLUMN late TEXT")
        other = Store(archive.path, archive.connection, read_shapes(archive.connection))
        with digests_ahead(other, source, [1]) as ahead:
            assert ahead(1) is None


def test_a_run_that_nobody_asks_for_delays_nothing(area):
    before = threading.active_count()
    with opened(area) as (archive, source), digests_ahead(archive, source, [1, 2]):
        pass
    assert threading.active_count() == before


def test_a_digest_that_nobody_has_begun_can_be_taken_and_is_not_made_twice():
    waiting, done = Future(), Future()
    done.set_result(None)
    ahead = Ahead({1: waiting, 2: done})
    assert ahead.take(1)
    assert waiting.cancelled()
    assert not ahead.take(2)
    assert ahead.take(3)
