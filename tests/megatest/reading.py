"""Areas that tests of reading read, and how: heads of runs, and whole runs."""

from pathlib import Path

import areas
from areas import datum, item, run, step

from mtsite.megatest import database, reader
from mtsite.megatest.reader import RunHead
from mtsite.model import Run

RICH = [
    run(
        "ubuntu/nfs",
        "w01",
        [
            areas.test("plain", steps=[step("build"), step("check", status="1")], comment="fine"),
            areas.test("iterated", items=["fast", item("slow/big", status="FAIL")]),
            areas.test("measured", data=[datum("c", "v", value=1.5, expected=2, tol=">")]),
        ],
        comment="first",
    ),
    run("ubuntu/nfs", "w02", [areas.test("plain", status="FAIL")]),
    run("suse/local", "w01", [areas.test("plain", state="RUNNING", status="n/a")]),
]


def heads_of(area: areas.TestArea, path: Path | None = None) -> list[RunHead]:
    with database.reading(path or area.database) as connection:
        return reader.list_runs(connection, area.name, area.fields)


def head_of(area: areas.TestArea, runname: str = "w01", path: Path | None = None) -> RunHead:
    (found,) = [head for head in heads_of(area, path) if head.key.runname == runname]
    return found


def read(area: areas.TestArea, runname: str = "w01", path: Path | None = None) -> Run:
    head = head_of(area, runname, path)
    with database.reading(head.database) as connection:
        return reader.read_run(connection, head)


def one_test(tmp_path: Path, **rest: object) -> areas.TestArea:
    return areas.make_area(tmp_path, runs=[run("a/b", "w01", [areas.test("t", **rest)])])
