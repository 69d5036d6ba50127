"""The verb `ingest_junit`: JUnit XML files become one run of an area, in one transaction."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import lock
from mtsite.arealock import AREA_LOCK
from mtsite.config import AreaConfig
from mtsite.errors import ConflictError, MissingError, OtherFormatError, RefusedFileError
from mtsite.ingest.outputs import RunOutputs
from mtsite.ingest.place import Former, Target, find_former, open_or_make
from mtsite.ingest.rows import ItemRows, Totals
from mtsite.ingest.said import add_meta
from mtsite.ingest.sources import HashingFile, Source, find_sources, origin
from mtsite.junit.read import Group, Item, Problem, read_file
from mtsite.megatest.area import Area
from mtsite.megatest.database import AreaConnection, area_errors, open_for_writing, reading
from mtsite.megatest.newarea import check_place, is_area
from mtsite.megatest.newrun import OWN, SOURCE, NewRun, delete_run, next_run, rundirs_of
from mtsite.megatest.transfer import immediate

KIND, PATTERN = "junit", "*.xml"
SPOOL = ".mtsite-spool-"

Progress = Callable[[str, int, int], None]


class JunitOrder(Struct, frozen=True):
    """What is to be ingested as which run; `paths` are files, directories, or `sources.STDIN`.

    `now` is Unix seconds. `replace`: a run that was made from other files gives way.
    `keep_going`: files that are refused are left out and told.
    """

    paths: Sequence[Path]
    settings: AreaConfig
    target: Target
    runname: str
    owner: str
    now: int
    replace: bool = False
    keep_going: bool = False


class IngestSummary(Struct):
    """What was done: `new`, `replaced`, or `unchanged`, where the run is there from these files.

    `passed_over` are files of a directory that are something else, `refused` are broken ones.
    `attachments` is how many files were taken over that items name, `left_out` has the first of
    `not_attached` with the reason.
    """

    area: str
    target: str
    runname: str
    done: str = "new"
    made_area: bool = False
    files: int = 0
    totals: Totals = field(default_factory=Totals)
    passed_over: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    attachments: int = 0
    not_attached: int = 0
    left_out: list[str] = field(default_factory=list)


def ingest_junit(
    order: JunitOrder, environ: Mapping[str, str], progress: Progress
) -> IngestSummary:
    """Make one run of all these files, or leave everything as it is.

    The same files twice are once, whatever they are called. A death anywhere leaves the rows as
    they were; calling again does it.

    Raises:
        RefusedFileError: a file is no JUnit XML that can be read safely; says where.
        ConflictError: the run is there, from other files and without `replace`, or from Megatest.
        UsageError: the area can't take runs, or has other keys.
        MissingError: a file is not there, or a directory has none.
    """
    return _ingest(order, environ, progress, [])[0]


def preview_junit(
    order: JunitOrder, environ: Mapping[str, str], progress: Progress
) -> IngestSummary:
    """What `ingest_junit` would do, by doing it in an area that is thrown away.

    Raises:
        MtsiteError: as `ingest_junit` would.
    """
    with tempfile.TemporaryDirectory(prefix="mtsite-") as scratch:
        sources = find_sources(order.paths, PATTERN, Path(scratch))
        former: Former | None = None
        made = not is_area(order.settings.path)
        if made:
            check_place(order.settings.path, order.target.fields)
        else:
            area = open_or_make(order.settings, order.target, environ)
            values = order.target.values_for(area.name, area.fields)
            order = replace(order, target=Target(values, area.fields))
            with reading(area.live) as connection:
                former = find_former(area, connection, values, order.runname)
        there = AreaConfig(name=order.settings.name, path=Path(scratch) / "area")
        done, source = _ingest(replace(order, settings=there), environ, progress, sources)
        done.made_area = made
        if former is not None and former.source:
            done.done = _judge(former, source, order)
    return done


def _ingest(
    order: JunitOrder, environ: Mapping[str, str], progress: Progress, sources: list[Source]
) -> tuple[IngestSummary, str]:
    """What was done, and what the run was made from; `sources`: the order's files if known."""
    settings = order.settings
    made = not is_area(settings.path)
    if made:
        check_place(settings.path, order.target.fields)
        settings.path.mkdir(parents=True, exist_ok=True)
    with lock.hold(settings.path, AREA_LOCK, "mtsite ingest junit"):
        area = open_or_make(settings, order.target, environ)
        with _spool(area) as spool:
            ingest = _Ingest(order, area, spool, progress, sources)
            done = ingest.run()
    done.made_area = made
    return done, ingest.source


class _Ingest:
    """One call: the order, the area, and where long texts wait."""

    def __init__(
        self,
        order: JunitOrder,
        area: Area,
        spool: Path,
        progress: Progress,
        sources: list[Source],
    ) -> None:
        self.source = ""
        self._sources = sources
        self._order = order
        self._area = area
        self._spool = spool
        self._progress = progress
        self._values = order.target.values_for(area.name, area.fields)
        self._summary = IngestSummary(area.name, "/".join(self._values), order.runname)

    def run(self) -> IngestSummary:
        sources = self._sources or find_sources(self._order.paths, PATTERN, self._spool)
        sources = self._readable(sources)
        assert self._area.linktree is not None
        outputs = RunOutputs(self._area.linktree, self._values, self._order.runname)
        connection = open_for_writing(self._area.live)
        try:
            with area_errors(self._area.live):
                stored = self._store(connection, sources, outputs)
        except BaseException:
            outputs.discard()
            raise
        finally:
            connection.close()
        # Nothing is discarded any more: rows that are committed name these outputs.
        if stored:
            _remove(outputs.others())
        return self._summary

    def _readable(self, sources: list[Source]) -> list[Source]:
        """Those that are JUnit XML; broken ones are told, or refused when they are read."""
        good = []
        for source in sources:
            if source.named and not self._order.keep_going:
                good.append(source)
                continue
            try:
                with source.path.open("rb") as file:
                    head = not self._order.keep_going
                    read_file(file, source.name, self._spool, _Nobody(), head=head)
            except OtherFormatError as error:
                if source.named:
                    raise
                self._summary.passed_over.append(error.message)
            except RefusedFileError as error:
                if not self._order.keep_going:
                    raise
                self._summary.refused.append(error.message)
            else:
                good.append(source)
        if not good:
            raise MissingError("none of these files is JUnit XML that can be read")
        return good

    def _store(
        self, connection: AreaConnection, sources: Sequence[Source], outputs: RunOutputs
    ) -> bool:
        """Write the run; False when it is there from these very files."""
        former = find_former(self._area, connection, self._values, self._order.runname)
        if former is None:
            # What a death left: no row names it, and the name is free again.
            _remove(outputs.others())
        elif former.source:
            self.source = origin(KIND, [source.digest() for source in sources])
            self._summary.done = _judge(former, self.source, self._order)
            if self._summary.done == "unchanged":
                kept = rundirs_of(connection, former.run_id)
                _remove(each for each in outputs.others() if not _is_above(each, kept))
                return False
        with immediate(connection):
            if former is not None:
                delete_run(connection, former.run_id)
            run = NewRun(connection, former.run_id if former else next_run(connection))
            self._read(sources, ItemRows(run, outputs, self._order.now), run)
        return True

    def _read(self, sources: Sequence[Source], rows: ItemRows, run: NewRun) -> None:
        digests = []
        for count, source in enumerate(sources):
            self._progress("reading", count, len(sources))
            with source.path.open("rb") as file:
                rows.fallback = os.fstat(file.fileno()).st_mtime
                rows.attached.read_from(source.path, source.base)
                hashing = HashingFile(file)
                read_file(hashing, source.name, self._spool, rows)
            digests.append(hashing.digest)
        self._summary.files = len(digests)
        self._summary.totals = rows.totals
        self._summary.attachments = rows.attached.copied
        self._summary.not_attached = rows.attached.missing
        self._summary.left_out = rows.attached.left_out
        rows.finish()
        started = rows.started if rows.started is not None else rows.fallback
        said = dict(rows.said)
        add_meta(run, said.pop("meta", {}))
        columns = {**self._columns(int(started)), **said}
        run.finish(self._area.fields, self._values, columns)
        told = [(k, v) for k, v in rows.attributes.items() if not k.startswith(OWN)]
        self.source = origin(KIND, digests)
        run.add_attributes([(SOURCE, self.source), *told])

    def _columns(self, started: int) -> dict[str, float | int | str | None]:
        return {
            "runname": self._order.runname,
            "state": "new",
            "status": "n/a",
            "owner": self._order.owner,
            "event_time": started,
            "last_update": self._order.now,
        }


class _Nobody:
    """Takes everything and keeps nothing."""

    def item(self, item: Item) -> None:
        for problem in (*item.problems, *item.attempts):
            problem.text.discard()
            self._discard(problem)
        self._discard(item)

    def group(self, group: Group) -> None:
        self._discard(group)

    def run(self, properties: list[tuple[str, str]]) -> None:
        pass

    def _discard(self, owner: Item | Group | Problem) -> None:
        for _kind, text in owner.outputs:
            text.discard()


def _judge(former: Former, source: str, order: JunitOrder) -> str:
    """What becomes of a run that was ingested before: it stays, or it is replaced."""
    if former.source == source:
        return "unchanged"
    if not order.replace:
        raise ConflictError(
            f"{order.settings.name}/{'/'.join(order.target.values)}/{order.runname} is there,"
            " made from other files",
            "--replace puts these in its place; another --runname keeps both",
        )
    return "replaced"


@contextmanager
def _spool(area: Area) -> Iterator[Path]:
    """A directory for long texts beside the logs; what a death left there goes first."""
    assert area.linktree is not None
    area.linktree.mkdir(parents=True, exist_ok=True)
    _remove(area.linktree.glob(f"{SPOOL}*"))
    with tempfile.TemporaryDirectory(prefix=SPOOL, dir=area.linktree) as held:
        yield Path(held)


def _is_above(directory: Path, files: Iterable[str]) -> bool:
    return any(one.startswith(f"{directory}/") for one in files)


def _remove(directories: Iterable[Path]) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
