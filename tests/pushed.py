"""An area whose runs name pushes of a repository, and its site."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from areas import BASE, DAY, TestArea, make_area, run, test
from sites import TestSite, make_site
from storage import connect

from mtsite import urls
from mtsite.provenance import Commit, Push
from mtsite.pushlog import file_of, write_pushlog

CHIP = "team/chip"
REVISIONS = [f"{n * 7919:08x}".ljust(40, "e") for n in range(130)]
TARGETS = ("ubuntu/nfs", "suse/zfs")


class Place:
    """An area whose runs name pushes of a repository that is told of."""

    def __init__(self, root: Path) -> None:
        self.area: TestArea = make_area(root)
        (root / "home").mkdir()
        self.root = root / "home"
        self.site: TestSite = make_site(self.root, self.area)

    def tell(self, numbers: Sequence[int], repository: str = CHIP) -> None:
        pushes = [
            Push((Commit(REVISIONS[n], "ann", None, f"Change {n}"),), str(n), "ann", BASE + n)
            for n in numbers
        ]
        write_pushlog(file_of(self.root, repository), repository, pushes)

    def run(self, name: str, number: int, target: str = TARGETS[0], **attributes: str) -> None:
        bad = attributes.pop("bad", "")
        tests = [test(each, status="FAIL" if each in bad else "PASS", log="") for each in "abc"]
        self.area.add_run(run(target, name, tests, event_time=BASE + number * DAY))
        told = {"repository": CHIP, "revision": REVISIONS[number], **attributes}
        self.say(name, {key: value for key, value in told.items() if value})

    def say(self, name: str, attributes: dict[str, str]) -> None:
        with connect(self.area.database) as connection:
            for each in attributes.items():
                connection.execute(
                    "INSERT INTO extradat (run_id, key, val) SELECT max(id), ?, ? FROM runs"
                    " WHERE runname = ?",
                    (*each, name),
                )

    def json(self, path: str) -> Any:
        return json.loads((self.site.tree / urls.json_beside(path)).read_text())

    def push(self, number: int, repository: str = CHIP) -> Any:
        return self.json(urls.push_page(repository, REVISIONS[number]))
