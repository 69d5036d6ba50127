"""Waits of testconfigs in a built site: pages at both ends, the file of relations, what moves."""

import json
from pathlib import Path
from typing import Any

import pytest
from areas import TestArea, item, make_area, run, step, test
from sites import TestSite, difference, files_of, make_site

from mtsite import urls
from mtsite.check.schema import Schemas
from mtsite.model import RunKey

KEY = RunKey("fullrun", ("ubuntu", "nfs"), "w1")
SCHEMAS = Schemas(Path(__file__).parents[2] / "docs/schemas")
NOT_STARTED = {"state": "NOT_STARTED", "status": "PREQ_FAIL"}


class Waiting:
    """A site over a run in which build failed, so link and the sweep of r/2 never began."""

    def __init__(self, root: Path) -> None:
        tests = [
            test("build", status="FAIL", items=["r/1", item("r/2", status="FAIL")]),
            test("link", **NOT_STARTED),
            test("other"),
            test("sweep", items=["r/1", item("r/2", **NOT_STARTED)]),
            test("tried", steps=[step("attempt-1", status="1"), step("attempt-2")]),
        ]
        self.area: TestArea = make_area(root, runs=[run("ubuntu/nfs", "w1", tests)])
        self.site: TestSite = make_site(root, self.area)
        self.define("link", "waiton build")
        self.define("sweep", "waiton build\nmode itemmatch")

    def define(self, name: str, needs: str) -> None:
        path = self.area.path / "tests" / name / "testconfig"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[requirements]\n{needs}\n")

    def page(self, testname: str, item_path: str = "") -> str:
        return (self.site.tree / urls.test_page(KEY, (testname, item_path))).read_text("utf-8")

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    @property
    def file(self) -> Path:
        return self.site.tree / urls.relations_file(KEY)

    def build(self) -> None:
        assert self.site.build().problems == []


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    return Waiting(tmp_path)


def test_pages_and_the_file_tell_of_waits(waiting: Waiting) -> None:
    waiting.build()
    link = waiting.page("link")
    assert '<a href="../build/index.html"><bdi>build</bdi></a><bdi> failed</bdi>' in link
    assert "Waited for by" in waiting.page("build")
    assert "<bdi>build/r/2</bdi></a><bdi> failed</bdi>" in waiting.page("sweep", "r/2")
    assert "Order" not in waiting.page("other")
    told = waiting.told()
    assert SCHEMAS.judge(told) == ""
    assert [one["how"] for one in told["edges"]].count("by item") == 3
    assert told["attempts"] == [
        {
            "testname": "tried",
            "item_path": "",
            "kind": "retry-of",
            "from": "attempt-2",
            "to": "attempt-1",
        }
    ]


def test_a_changed_testconfig_moves_only_what_it_is_about(waiting: Waiting, tmp_path: Path) -> None:
    waiting.build()
    before = files_of(waiting.site.tree)
    waiting.define("link", "waiton other")
    waiting.build()
    after = files_of(waiting.site.tree)
    run_dir = urls.run_dir(KEY)
    moved = {path.removeprefix(run_dir + "/") for path in after if after[path] != before.get(path)}
    assert moved - {f"_record/{run_dir}/_run.json"} == {
        *("index.html", "index.json", "_relations.json"),
        *("link/index.html", "build/index.html", "other/index.html"),
        *("build/r/1/index.html", "build/r/2/index.html"),
    }
    assert difference(waiting.site.tree, waiting.site.build_clean(tmp_path / "clean")) == []


def test_the_file_goes_with_the_last_relation(waiting: Waiting, tmp_path: Path) -> None:
    waiting.build()
    waiting.area.execute("DELETE FROM test_steps")
    for name in ("link", "sweep"):
        waiting.define(name, "priority 1")
    waiting.build()
    assert not waiting.file.exists()
    assert difference(waiting.site.tree, waiting.site.build_clean(tmp_path / "clean")) == []


def test_a_sealed_run_keeps_its_waits(waiting: Waiting, tmp_path: Path) -> None:
    waiting.build()
    waiting.area.add_run(run("ubuntu/nfs", "w2", [test("build")], event_time=1_800_000_000))
    assert waiting.site.build().sealed
    told = waiting.told()
    waiting.define("link", "waiton other")
    waiting.build()
    assert waiting.told() == told
    assert difference(waiting.site.tree, waiting.site.build_clean(tmp_path / "clean")) == []
