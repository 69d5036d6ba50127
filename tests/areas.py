"""Megatest areas for tests, in plain Python: real directories, links, logs and databases.

    area = make_area(tmp_path, runs=[
        run("ubuntu/nfs", "w01", tests=[
            test("compile", log="all fine\n", steps=[step("build", log="cc -c x.c\n")]),
            test("regress", status="FAIL", items=["fast", item("slow/big", status="FAIL")]),
        ]),
    ])
    area.change_status("w01", "compile", "FAIL")

Times are fixed (the first run at `BASE`, each further one a day later) and `last_update` is what
the row's own times say, so a fresh area has no row of "just now".
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from generations import write_databases
from storage import (
    StepRows,
    connect,
    copy_rows,
    insert,
    insert_step,
    make_rundir,
    raw,
    step_files,
    write_files,
)

from mtsite import notes
from mtsite.config import AreaConfig
from mtsite.megatest import schema

BASE = 1_700_000_000
DAY = 86_400
NO_LOG = "logs/final.log"


@dataclass(frozen=True)
class TestRow:
    __test__ = False

    name: str
    status: str = "PASS"
    state: str = "COMPLETED"
    items: Sequence["str | TestRow"] = ()
    steps: Sequence[StepRows] = ()
    data: Sequence[Mapping[str, object]] = ()
    log: str | bytes | None = None
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    seconds: int = 10
    columns: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRow:
    target: str
    runname: str
    tests: Sequence[TestRow] = ()
    columns: Mapping[str, object] = field(default_factory=dict)


def step(name: str, **rest: Any) -> StepRows:
    """A step; `log` makes its file <name>.log; `ended=False` leaves it with a start row only."""
    return StepRows(name, **rest)


def datum(category: str, variable: str, **columns: object) -> Mapping[str, object]:
    """A row of test_data; what isn't named takes the table's own default."""
    return {"category": category, "variable": variable, **columns}


def test(name: str, **rest: Any) -> TestRow:
    """A test; unknown names are columns of its row: test("t", host="h2", comment="x")."""
    own = TestRow.__dataclass_fields__.keys() - {"columns"}
    columns = {key: rest.pop(key) for key in list(rest) if key not in own}
    return TestRow(name, columns=columns, **rest)


test.__test__ = False  # type: ignore[attr-defined] # pytest must not collect it
item = test
"""An item of an iterated test: its name is the item path."""


def run(target: str, runname: str, tests: Sequence[TestRow] = (), **columns: object) -> RunRow:
    """A run; `target` is 'ubuntu/nfs'; further names are columns of its row."""
    return RunRow(target, runname, tests, columns)


@dataclass
class TestArea:
    """An area on disk, with what tests do to it."""

    __test__ = False

    name: str
    path: Path
    fields: tuple[str, ...]
    linktree: Path
    disk: Path
    generation: str = "G4"
    runs_made: int = 0

    @property
    def live(self) -> Path:
        """Where Megatest has its database: all generations but G5."""
        return self.path / "megatest.db"

    @property
    def database(self) -> Path:
        """Where rows are changed: the live database, or the model of another generation's."""
        return self.live if self.generation == "G4" else self.disk / "model.db"

    def write_databases(self) -> None:
        """Lay the rows of the model out as the area's generation has them."""
        if self.generation != "G4":
            write_databases(self.generation, self.database, self.path, self.linktree)

    @property
    def completed(self) -> Path:
        return self.path / "completed-runs.db"

    @property
    def settings(self) -> AreaConfig:
        return AreaConfig(name=self.name, path=self.path)

    def execute(self, sql: str, values: Sequence[object] = (), database: Path | None = None) -> Any:
        """Run one statement in a transaction of its own; the rows that it gives."""
        with closing(connect(database or self.database)) as connection, connection:
            return connection.execute(sql, values).fetchall()

    def add_run(self, spec: RunRow) -> int:
        """Store a run with its files; its id."""
        started = int(str(spec.columns.get("event_time", BASE + self.runs_made * DAY)))
        self.runs_made += 1
        values = (*spec.target.split("/"), *[""] * len(self.fields))[: len(self.fields)]
        columns = {"state": "new", "status": "n/a", "owner": "matt", **spec.columns}
        with closing(connect(self.database)) as connection, connection:
            run_id = insert(
                connection,
                "runs",
                dict(zip(self.fields, values, strict=True))
                | {"runname": spec.runname, "event_time": started, "last_update": started}
                | columns,
            )
            for number, one in enumerate(spec.tests):
                self._insert_test(connection, (run_id, spec, started + 60 * number), one)
        return run_id

    def add_test(self, runname: str, one: TestRow, target: str = "") -> None:
        """Give a run one more test, launched an hour after the run."""
        run_id, spec, started = self._spec(runname, target)
        with closing(connect(self.database)) as connection, connection:
            self._insert_test(connection, (run_id, spec, started + 3600), one)

    def add_step(self, runname: str, testname: str, one: StepRows, *, item_path: str = "") -> None:
        """Give a test one more step, an hour after its launch."""
        test_id = self.test_id(runname, testname, item_path)
        ((launched, rundir),) = self.execute(
            "SELECT event_time, rundir FROM tests WHERE id = ?", (test_id,)
        )
        with closing(connect(self.database)) as connection, connection:
            insert_step(connection, test_id, launched + 3600, one)
        write_files(Path(rundir), step_files(one))

    def run_id(self, runname: str, target: str = "") -> int:
        return self._spec(runname, target)[0]

    def test_id(self, runname: str, testname: str, item_path: str = "") -> int:
        ((test_id,),) = self.execute(
            "SELECT id FROM tests WHERE run_id = ? AND testname = CAST(? AS TEXT)"
            " AND item_path = CAST(? AS TEXT)",
            (self.run_id(runname), raw(testname), raw(item_path)),
        )
        return int(test_id)

    def rundir(self, runname: str, testname: str, item_path: str = "") -> Path:
        """Where the test's files lie, as its row says."""
        test_id = self.test_id(runname, testname, item_path)
        ((rundir,),) = self.execute("SELECT rundir FROM tests WHERE id = ?", (test_id,))
        return Path(rundir)

    def change_status(
        self, runname: str, testname: str, status: str, *, item_path: str = "", state: str = ""
    ) -> None:
        """What Megatest does: an UPDATE, whose trigger sets last_update to now."""
        self.execute(
            "UPDATE tests SET status = ?, state = coalesce(nullif(?, ''), state) WHERE id = ?",
            (status, state, self.test_id(runname, testname, item_path)),
        )

    def delete_run(self, runname: str, target: str = "") -> None:
        """Megatest's -remove-runs: rows stay, marked deleted; files go."""
        run_id = self.run_id(runname, target)
        steps = "WHERE test_id IN (SELECT id FROM tests WHERE run_id = ?)"
        self.execute(f"UPDATE test_steps SET status = 'DELETED' {steps}", (run_id,))
        self.execute(f"UPDATE test_data SET status = 'DELETED' {steps}", (run_id,))
        self.execute(
            "UPDATE tests SET state = 'DELETED', status = 'n/a', comment = '' WHERE run_id = ?",
            (run_id,),
        )
        self.execute("UPDATE runs SET state = 'deleted', comment = '' WHERE id = ?", (run_id,))

    def drop_run(self, runname: str, target: str = "", database: Path | None = None) -> None:
        """All rows of a run are gone, as after -cleanup-db or a finished move."""
        run_id = self._spec(runname, target, database)[0]
        self._drop_tests(run_id, database)
        self.execute("DELETE FROM runs WHERE id = ?", (run_id,), database)

    def mark_moved(self, runname: str, destination: str, target: str = "") -> None:
        """What `migrate` leaves behind: the run row alone, MOVED."""
        run_id = self.run_id(runname, target)
        self._drop_tests(run_id)
        self.execute(
            "UPDATE runs SET state = 'MOVED', comment = ? WHERE id = ?",
            (f"moved to {destination} on 2026-01-02 by matt", run_id),
        )

    def copy_run(
        self, runname: str, database: Path, *, note: str = notes.SETTLED, target: str = ""
    ) -> int:
        """Copy a run's rows to another database under other ids, with a note; its id there."""
        run_id, spec, _started = self._spec(runname, target)
        with closing(connect(self.database)) as here, closing(connect(database)) as there, there:
            new_run = copy_rows(here, there, "runs", ("id", run_id), {})[run_id]
            tests = copy_rows(here, there, "tests", ("run_id", run_id), {"run_id": new_run})
            for old, new in tests.items():
                copy_rows(here, there, "test_steps", ("test_id", old), {"test_id": new})
                copy_rows(here, there, "test_data", ("test_id", old), {"test_id": new})
            if note:
                birth = notes.Note(
                    run_id=new_run,
                    birth_area=self.name,
                    birth_target=tuple(spec.target.split("/")),
                    birth_runname=runname,
                    birth_run_id=run_id,
                    event_time=spec.columns["event_time"],  # type: ignore[arg-type] # a row's own
                    source=str(self.database),
                    state=note,
                )
                notes.create(there)
                notes.add(there, birth)
        return new_run

    def make_completed(self) -> Path:
        """An empty completed-runs.db."""
        schema.create_database(self.completed, [(name, "TEXT") for name in self.fields])
        return self.completed

    def _drop_tests(self, run_id: int, database: Path | None = None) -> None:
        for table in ("test_steps", "test_data"):
            self.execute(
                f"DELETE FROM {table} WHERE test_id IN (SELECT id FROM tests WHERE run_id = ?)",
                (run_id,),
                database,
            )
        self.execute("DELETE FROM tests WHERE run_id = ?", (run_id,), database)

    def _spec(
        self, runname: str, target: str = "", database: Path | None = None
    ) -> tuple[int, RunRow, int]:
        keys = ", ".join(schema.quote(name) for name in self.fields)
        rows = self.execute(
            f"SELECT id, event_time, {keys} FROM runs WHERE runname = CAST(? AS TEXT)",
            (raw(runname),),
            database,
        )
        (found,) = [row for row in rows if target in ("", "/".join(row[2:]))]
        spec = run("/".join(found[2:]), runname, event_time=found[1])
        return found[0], spec, int(found[1])

    def _insert_test(
        self, connection: sqlite3.Connection, place: tuple[int, RunRow, int], one: TestRow
    ) -> None:
        items = [item(each) if isinstance(each, str) else each for each in one.items]
        row = one
        if items:
            toplevel = {"host": "n/a", "uname": "n/a", "cpuload": -1, "diskfree": -1}
            toplevel["final_logf"] = f"megatest-rollup-{one.name}.html"
            row = replace(one, seconds=0, columns={**toplevel, **one.columns})
        self._insert_row(connection, place, (one.name, ""), row)
        for each in items:
            self._insert_row(connection, place, (one.name, each.name), each)

    def _insert_row(
        self,
        connection: sqlite3.Connection,
        place: tuple[int, RunRow, int],
        name: tuple[str, str],
        one: TestRow,
    ) -> None:
        run_id, spec, launched = place
        below = "/".join([spec.target, spec.runname, *(part for part in name if part)])
        rundir, shortdir = f"{self.linktree}/{below}", f"{self.disk}/{below}"
        columns = {
            "run_id": run_id,
            "testname": name[0],
            "item_path": name[1],
            "host": "h1",
            "uname": "Linux 6.1 x86_64",
            "cpuload": 0.5,
            "diskfree": 1_000_000,
            "rundir": rundir,
            "shortdir": shortdir,
            "state": one.state,
            "status": one.status,
            "attemptnum": 4711,
            "final_logf": NO_LOG if one.log is None else "final.log",
            "run_duration": one.seconds,
            "event_time": launched,
            "last_update": launched + one.seconds,
        }
        test_id = insert(connection, "tests", columns | dict(one.columns))
        for number, each in enumerate(one.steps):
            insert_step(connection, test_id, launched + 10 * number, each)
        for each_datum in one.data:
            row = {"test_id": test_id, "last_update": launched, **each_datum}
            insert(connection, "test_data", row)
        files = dict(one.files)
        if one.log is not None:
            files["final.log"] = one.log
        for each in one.steps:
            files |= step_files(each)
        if make_rundir(rundir, shortdir, iterated=bool(one.items)):
            write_files(Path(rundir), files)


def make_area(
    tmp_path: Path,
    name: str = "fullrun",
    fields: Sequence[str] = ("sysname", "fsname"),
    runs: Sequence[RunRow] = (),
    config: str = "",
    generation: str = "G4",
) -> TestArea:
    """An area below `tmp_path` with these runs; `config` is added to its megatest.config.

    `generation` is "G4" or a key of `generations.BUILDERS`; after a change of such an area's
    rows say `area.write_databases()`.
    """
    links, disk = tmp_path / f"{name}_links", tmp_path / f"{name}_disk"
    area = TestArea(name, tmp_path / name, tuple(fields), links, disk, generation)
    for directory in (area.path, area.linktree, area.disk):
        directory.mkdir(parents=True)
    (area.path / "lt").symlink_to(area.linktree)
    keys = "".join(f"{field} TEXT\n" for field in fields)
    (area.path / "megatest.config").write_text(
        f"[fields]\n{keys}\n[setup]\nlinktree {area.linktree}\nmax_concurrent_jobs 10\n\n"
        f"[disks]\ndisk0 {area.disk}\n\n{config}",
        encoding="utf-8",
    )
    schema.create_database(area.database, [(field, "TEXT") for field in fields])
    for spec in runs:
        area.add_run(spec)
    area.write_databases()
    return area
