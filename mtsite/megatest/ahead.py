"""Digests of runs beside their copying: from the source, by a thread and connection of its own.

While two connections both hold the source's lock for reading nobody can commit to it, where it
has a rollback journal: so what is digested here is what is copied there. Where that can't be
said there is no digest from here, and the copy is digested.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from sqlite3 import Connection, DatabaseError

from mtsite.errors import MtsiteError
from mtsite.megatest.database import AreaConnection, open_read_only
from mtsite.megatest.direct import MOST_TESTS, SOURCE
from mtsite.megatest.shape import RUN, TESTS, Shapes, run_tables, test_tables
from mtsite.megatest.stored import Digested, digest_stored
from mtsite.megatest.transfer import Store


class Ahead:
    """Digests that are on their way, by rowid of the run at the source."""

    def __init__(self, begun: Mapping[int, Future[Digested | None]]) -> None:
        self._begun = begun

    def __call__(self, run_id: int) -> Digested | None:
        """Wait for the digest of a run; None where there is none to be trusted."""
        return self._begun[run_id].result() if run_id in self._begun else None

    def take(self, run_id: int) -> bool:
        """Whether nobody has begun with this run: then the caller has it, and nobody else will."""
        return run_id not in self._begun or self._begun[run_id].cancel()


@contextmanager
def digests_ahead(archive: Store, source: Store, run_ids: Iterable[int]) -> Iterator[Ahead]:
    """Digest runs of the source in this order, for the time of a block.

    The archive, to which the source is attached as `SOURCE`, must be in a transaction that
    outlasts the block: that is how the source stays as it is.
    """
    archive.connection.execute(f"SELECT 1 FROM {SOURCE}.sqlite_master LIMIT 1").fetchone()
    reader = _Reader(source, archive.shapes)
    with ThreadPoolExecutor(1, "mtsite-digests") as thread:
        begun = {run_id: thread.submit(reader.digest, run_id) for run_id in run_ids}
        try:
            yield Ahead(begun)
        finally:
            for one in begun.values():
                one.cancel()
            thread.submit(reader.close).result()


class _Reader:
    """One connection; it is opened, used and closed by one thread."""

    def __init__(self, source: Store, archive: Shapes) -> None:
        self._source = source
        shapes = source.shapes
        own = [shapes[RUN], *run_tables(shapes), shapes[TESTS], *test_tables(shapes)]
        shared = [one for one in own if one.name in archive]
        self._columns = {one.name: sorted(one.columns) for one in shared}
        # Other columns or affinities there, and a copy may not be what its source is.
        self._usable = all(one == archive[one.name] for one in shared)
        self._connection: AreaConnection | None = None

    def digest(self, run_id: int) -> Digested | None:
        try:
            if self._usable and self._connection is None:
                self._connection = self._open()
            if self._connection is None or not _is_small(self._connection, run_id):
                return None
            store = Store(self._source.path, self._connection, self._source.shapes)
            return digest_stored(store, run_id, self._columns)
        except (DatabaseError, MtsiteError):
            # Whatever is wrong with the source: the copying meets it too, and tells.
            return None

    def _open(self) -> AreaConnection | None:
        self._usable = False  # One attempt: what failed once is not tried for every run.
        # A writer that waits for the copying would make this wait for itself: so no patience.
        connection = open_read_only(self._source.path, busy_seconds=0)
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            (journal,) = connection.execute("PRAGMA main.journal_mode").fetchone()
        except BaseException:
            connection.close()
            raise
        if journal == "wal" or connection.note:
            connection.close()
            return None
        return connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _is_small(connection: Connection, run_id: int) -> bool:
    sql = "SELECT count(*) FROM tests WHERE run_id = ?"
    return bool(connection.execute(sql, (run_id,)).fetchone()[0] <= MOST_TESTS)
