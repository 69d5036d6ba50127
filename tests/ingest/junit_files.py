"""A file of JUnit, and an area that takes such files over."""

from pathlib import Path
from typing import Any

import pytest
from areas_read import read
from sites import silent

from mtsite.config import AreaConfig
from mtsite.ingest.junit import IngestSummary, JunitOrder, ingest_junit
from mtsite.ingest.place import Target
from mtsite.megatest.area import open_area
from mtsite.megatest.linktree import find_logs
from mtsite.megatest.merge import list_areas
from mtsite.model import Run, Test

NOW = 1_790_000_000
FILE = """<testsuites><testsuite name="pytest" timestamp="2026-07-01T02:00:00Z" hostname="ci-1">
<properties><property name="revision" value="abc"/></properties>
<testcase classname="t.A" name="good" time="1.6"><properties>
<property name="speed" value="3.5"/><property name="number" value="007"/>
<property name="speed" value="n/a"/></properties></testcase>
<testcase classname="t.A" name="bad" time="2"><failure message="1 != 2">E 1 != 2
at line 3</failure><system-out>said &lt;this&gt;</system-out></testcase>
<testcase classname="t.B" name="broken" file="b.py"><error message="no disk"/></testcase>
<testcase classname="t.B" name="left/out"><skipped message="later">b.py:7: later</skipped>
</testcase></testsuite></testsuites>"""


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.area = AreaConfig(name="ci", path=root / "ci")
        self.files = 0

    def file(self, content: str, name: str = "") -> Path:
        self.files += 1
        path = self.root / (name or f"{self.files}.xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def order(self, *paths: Path, **rest: Any) -> JunitOrder:
        told = {"target": Target(("linux",), ("os",)), "runname": "r1", **rest}
        return JunitOrder(paths, self.area, owner="me", now=NOW, **told)

    def ingest(self, *contents: str | Path, **rest: Any) -> IngestSummary:
        paths = [one if isinstance(one, Path) else self.file(one) for one in contents]
        return ingest_junit(self.order(*paths, **rest), {}, silent)

    def runs(self) -> list[Run]:
        (listing,) = list_areas([self.area], {})
        return [read(head) for head in listing.heads]

    def tests(self) -> dict[str, Test]:
        (found,) = self.runs()
        return {"/".join(filter(None, one.name)): one for one in found.tests}

    def logs(self, test: Test) -> dict[str, str]:
        (found,) = self.runs()
        logs, note = find_logs(open_area(self.area, {}).place.roots(), found.key, test)
        assert note in {"", "never had a run directory"}
        return {log.name: log.path.read_text("utf-8") for log in logs if not log.refused}

    def directories(self) -> list[str]:
        return sorted(path.name for path in (self.area.path / "lt/linux").iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
