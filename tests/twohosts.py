"""Two hosts that see one area, each with a /tmp of its own, for tests of homehosts."""

import sqlite3
from contextlib import closing
from pathlib import Path

from areas import BASE, DAY, TestArea, make_area, run, test
from msgspec.structs import replace
from rows import make_caches

from mtsite.archive.handover import DIRECTORY
from mtsite.archive.homehost import HomehostJob, HomehostPlan, hand_over, move_homehost
from mtsite.megatest.homehost import Host, Terms

NOW = BASE + 100 * DAY
TERMS = Terms(NOW, quiet=1800, dead_after=7 * DAY)


def host(name: str, address: str) -> Host:
    return Host(name, address, {name, address}.__contains__)


OLD, NEW = host("h1", "192.0.2.1"), host("h2", "192.0.2.2")


class Hosts:
    """One area that two hosts see, each with a /tmp of its own; the live databases are on h1."""

    def __init__(self, root: Path, runs: int = 2) -> None:
        self.root = root
        self.area: TestArea = make_area(
            root,
            runs=[run("ubuntu/nfs", f"w{n}", tests=[test("t"), test("u")]) for n in range(runs)],
        )
        self.old_tmp, self.tmp = root / "h1tmp", root / "h2tmp"
        for directory in (self.old_tmp, self.tmp):
            directory.mkdir()
        self.live, self.reference = make_caches(self.area, self.old_tmp)
        self.put(
            self.live, "INSERT INTO test_rundat (test_id, update_time) SELECT id, 1 FROM tests"
        )
        self.put(
            self.live, "INSERT INTO archive_blocks (archive_disk_id, disk_path) VALUES (1, 'b')"
        )
        self.homehost.write_text("192.0.2.1\n")

    @property
    def homehost(self) -> Path:
        return self.area.path / ".homehost"

    @property
    def moved(self) -> Path:
        """Where the live database is to be on h2."""
        return self.tmp / self.live.relative_to(self.old_tmp)

    def put(self, database: Path, sql: str) -> None:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(sql)

    def job(self, here: Host = NEW, **changes: object) -> HomehostJob:
        tmp = self.old_tmp if here is OLD else self.tmp
        job = HomehostJob(here, TERMS, self.root / f"state-{here.name}", environ={}, tmp=tmp)
        return replace(job, **changes)  # type: ignore[arg-type] # names of its fields

    def hand_over(self, **changes: object) -> HomehostPlan:
        return hand_over(self.area.settings, self.job(OLD, **changes))

    def move(self, **changes: object) -> HomehostPlan:
        return move_homehost(self.area.settings, self.job(NEW, **changes))

    def assert_moved(self) -> None:
        assert self.homehost.read_text() == "192.0.2.2\n"
        assert whole_rows(self.moved) == whole_rows(self.live)
        assert whole_rows(self.moved.with_name("megatest_ref.db")) == whole_rows(self.reference)
        assert (self.moved.parent / ".ready-megatest").exists()
        assert not list(self.moved.parent.parent.glob("*.mtsite-new"))
        assert not (self.area.path / DIRECTORY).exists()


def whole_rows(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())
