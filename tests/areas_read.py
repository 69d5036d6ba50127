"""Reading a test area as mtsite does, and changing its databases behind its back."""

import sqlite3
from contextlib import closing
from pathlib import Path

from areas import TestArea, datum, item, run, step, test
from msgspec.structs import replace

from mtsite.megatest.database import reading
from mtsite.megatest.merge import AreaListing, list_areas
from mtsite.megatest.reader import RunHead, read_run
from mtsite.model import Run

NO_CACHE = Path("/nonexistent")
RUNS = [
    run(
        "ubuntu/nfs",
        "w01",
        [
            test(
                "plain",
                comment="all’s well",
                log="fine\n",
                steps=[step("build", log="cc\n"), step("check", ended=False)],
                data=[datum("perf", "speed", value=3.5, expected=3, tol=1, status="pass")],
            ),
            test(
                "many",
                status="FAIL",
                items=["a/b c", item("slow", status="FAIL", steps=[step("go", status="1")])],
            ),
            test("waiting", state="NOT_STARTED", status="n/a", uname="n/a", rundir="n/a"),
            test("removed", state="DELETED", status="n/a"),
        ],
    ),
    run("ubuntu/nfs", "w02", [test("plain", status="WARN", steps=[step("build")])]),
    run("redhat/afs", "w02 'quoted' %", [test("plain", run_duration=-5)], comment="<b>"),
    run("redhat/afs", "removed", [test("t", state="DELETED")], state="deleted"),
    run("redhat/afs", "kept", [test("t")], state="locked"),
]


def listed(area: TestArea) -> AreaListing:
    (found,) = list_areas([area.settings], {}, tmp=NO_CACHE)
    return found


def read(head: RunHead) -> Run:
    with reading(head.database) as connection:
        return read_run(connection, head)


def runs_of(area: TestArea) -> dict[tuple[str, ...], Run]:
    """All runs that are not gone, with the area's own directories named alike."""
    heads = [head for head in listed(area).heads if not head.gone]
    return {
        (*head.key.target, head.key.runname): _without_place(read(head), area) for head in heads
    }


def _without_place(found: Run, area: TestArea) -> Run:
    def moved(path: str) -> str:
        return path.replace(str(area.linktree), "/links").replace(str(area.disk), "/disk")

    tests = tuple(
        replace(one, rundir=moved(one.rundir), shortdir=moved(one.shortdir)) for one in found.tests
    )
    return replace(found, key=replace(found.key, area="a"), tests=tests, unread={})


def update(database: Path, sql: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(sql)


def query(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()
