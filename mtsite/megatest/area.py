"""An area directory: its name, its fields, its linktree, its databases. Reads, never writes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from mtsite.config import AreaConfig
from mtsite.errors import AreaBusyError, AreaUnreadableError, MtsiteError, NoDatabaseError
from mtsite.megatest import generation as shapes
from mtsite.megatest import schema
from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.configuration import (
    archive_disks,
    directory_errors,
    read_configuration,
    testsuite_name,
)
from mtsite.megatest.database import AreaConnection, reading
from mtsite.megatest.layout import (
    COMPLETED_NAME,
    DATABASE_NAME,
    TMP,
    Layout,
    find_layout,
    what_is_newer,
)
from mtsite.megatest.linktree import AreaPlace
from mtsite.megatest.schema import GENERATIONS, Generation
from mtsite.megatest.testconfig import test_roots
from mtsite.megatest.testdat import RunDirs

__all__ = ["COMPLETED_NAME", "DATABASE_NAME", "TMP", "Area", "open_area"]


class Area(Struct, frozen=True):
    """One area as it is now.

    `testsuite` is Megatest's own name for it, part of the path of its /tmp cache and of its
    archives; `name` is the site's. `fields` are the key names in key order. `databases` are those
    with rows of runs: main.db of a split area, megatest.db, or the /tmp cache of it where that is
    newer, then completed-runs.db. `disks` are where run directories physically lie. `dbdir` is
    where versions 1.60 to 1.62 put databases. `problems` are for the area's page.
    """

    name: str
    path: Path
    testsuite: str
    fields: tuple[str, ...]
    linktree: Path | None
    disks: tuple[Path, ...]
    config: ConfigFile
    generation: Generation
    layout: Layout
    dbdir: Path | None
    allow_runs: bool
    homehost: str
    settings: AreaConfig
    problems: tuple[str, ...]

    @property
    def databases(self) -> tuple[Path, ...]:
        """The databases with rows of runs, the most trusted first."""
        return self.layout.with_runs

    @property
    def live(self) -> Path:
        """The database that Megatest itself works on and moves change: never a cache."""
        if self.layout.nested and self.layout.main is not None:
            return self.layout.main
        return self.path / DATABASE_NAME

    @property
    def place(self) -> AreaPlace:
        """Where the files of its runs may lie."""
        return AreaPlace(
            self.path,
            self.linktree,
            self.disks,
            self.settings.path_map,
            tests=tuple(path.resolve() for path in test_roots(self.path, self.config)),
            values=self.settings.values,
            given=self.settings.tests,
            testsuite=self.testsuite,
            archive_disks=archive_disks(self.config),
        )

    @property
    def rundirs(self) -> RunDirs | None:
        """Where tests may keep steps and data of their own; None for later generations.

        An area that began with G1 went on with G2 in the same database.
        """
        if self.generation.name not in {"G1", "G2"}:
            return None
        return RunDirs(self.place, expected=self.generation.testdat)


def open_area(settings: AreaConfig, environ: Mapping[str, str], *, tmp: Path = TMP) -> Area:
    """Read an area's configuration and find its databases. `tmp` is where caches lie (/tmp).

    Raises:
        MissingError: there is no such directory.
        AreaUnreadableError: no megatest.config, no megatest.db, or one that can't be read.
        ConfigError: a value that is needed would have to be computed by a command.
    """
    configuration = read_configuration(settings, environ)
    path, config = configuration.path, configuration.config
    testsuite = testsuite_name(settings, config, environ)
    dbdir = configuration.dbdir
    with directory_errors(settings.name):
        layout = find_layout(path, testsuite, dbdir, tmp=tmp)
        newer = what_is_newer(path, layout, configuration.homehost)
    if not layout.with_runs or layout.with_runs == (layout.completed,):
        raise NoDatabaseError(
            "; ".join([f"area {settings.name}: no {DATABASE_NAME} in {path}", *layout.problems]),
            "run Megatest there once; areas of v1.70 and later have .mtdb/main.db instead",
        )
    generation, fields, problems = _look_inside(layout)
    return Area(
        name=settings.name or testsuite,
        path=path,
        testsuite=testsuite,
        fields=fields,
        linktree=configuration.linktree,
        disks=configuration.disks,
        config=config,
        generation=generation,
        layout=layout,
        dbdir=dbdir,
        allow_runs=configuration.allow_runs,
        homehost=configuration.homehost,
        settings=settings,
        problems=(
            *configuration.problems,
            *_other_fields(fields, configuration.fields),
            *layout.problems,
            *problems,
            *newer,
        ),
    )


def layout_now(area: Area, *, tmp: Path = TMP) -> Layout:
    """The area's databases as they lie there now: equal as long as none came or went."""
    return find_layout(area.path, area.testsuite, area.dbdir, tmp=tmp)


def read_fields(
    database: Path, needed: Sequence[str] = shapes.WHOLE
) -> tuple[tuple[str, str], ...]:
    """The key columns (name, type) of a database in key order: by ascending `keys.id`.

    Raises:
        AreaUnreadableError: not a Megatest database, without one of the `needed` tables, or
            without a key.
    """
    with reading(database) as connection:
        check_database(connection, needed)
        rows = connection.execute(
            "SELECT fieldname, fieldtype FROM keys WHERE fieldname IS NOT NULL ORDER BY id, rowid"
        ).fetchall()
        columns = {name.lower() for name in schema.column_names(connection, "runs")}
    fields = tuple((_text(name), _text(kind) or "TEXT") for name, kind in rows)
    absent = [name for name, _kind in fields if name.lower() not in columns]
    if absent or not fields:
        what = f"keys without a column in runs: {', '.join(absent)}" if absent else "no keys"
        raise AreaUnreadableError(f"{database}: {what}", "Megatest's -cleanup-db adds them")
    return fields


def check_database(connection: AreaConnection, needed: Sequence[str] = shapes.WHOLE) -> None:
    """Make sure that a database is Megatest's, and has the tables that are needed.

    Raises:
        AreaUnreadableError: it is another program's, or not complete.
    """
    try:
        shapes.check_tables(connection, needed)
    except AreaUnreadableError as error:
        raise AreaUnreadableError(f"{connection.path}: {error.message}", error.hint) from error


def message_of(error: MtsiteError) -> str:
    """What is wrong and what to do about it, in one line for an area's page."""
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _look_inside(layout: Layout) -> tuple[Generation, tuple[str, ...], list[str]]:
    """Generation and fields, from the first database that can be read; why others could not."""
    problems: list[str] = []
    failure: MtsiteError | None = None
    for database in layout.with_runs:
        needed = shapes.RUNS_SIDE if database == layout.main else shapes.WHOLE
        if database == layout.completed:
            break
        try:
            fields = tuple(name for name, _kind in read_fields(database, needed))
            return _generation(layout), fields, problems
        except AreaBusyError:
            raise
        except MtsiteError as error:
            failure = failure or error
            problems.append(message_of(error))
    assert failure is not None
    raise failure


def _generation(layout: Layout) -> Generation:
    """The generation of an area whose databases can be read."""
    if layout.nested:
        return GENERATIONS["G5"]
    if layout.live is None:
        return GENERATIONS["G3"]
    try:
        with reading(layout.live) as connection:
            if layout.main is not None and not shapes.is_taken_over(connection):
                return GENERATIONS["G3"]
            return shapes.detect(connection)
    except MtsiteError:
        return GENERATIONS["G3"]


def _other_fields(fields: tuple[str, ...], configured: tuple[str, ...]) -> list[str]:
    if configured == fields or not configured:
        return []
    return [
        f"[fields] says {'/'.join(configured)}, the database's keys are {'/'.join(fields)};"
        " the database is followed"
    ]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)
