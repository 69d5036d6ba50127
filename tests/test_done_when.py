"""Nothing that was published is lost, whatever of it is lost at home."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import s3server
from areas import TestArea, TestRow, datum, make_area, run, step
from areas import test as row
from publishing import Watched, dead_links, plain
from sites import VOLATILE

from mtsite import cli, record
from mtsite.config import PublishConfig
from mtsite.invocation import Invocation
from mtsite.publish import upload
from mtsite.publish.destination import Destination, open_destination

_place = s3server.place_fixture()
LOG = "".join(f"step {number} of the build\n" for number in range(60))
EXCERPT = "error: bus width 33 does not fit port data_in"
EDITED = "<!-- edited by the site's owner -->"


@dataclass
class Home:
    """A site's directory with an area in it, and the destination that it is published to."""

    root: Path
    area: TestArea
    destination: Destination

    @property
    def tree(self) -> Path:
        return self.root / "site"

    def mtsite(self, *arguments: str) -> int:
        return cli.run(["--config", str(self.root / "mtsite.toml"), "-q", *arguments], Invocation())

    def lose_everything(self) -> None:
        """What remains is mtsite.toml, the database, and the destination."""
        shutil.rmtree(self.area.linktree)
        shutil.rmtree(self.area.disk)
        shutil.rmtree(self.root / ".mtsite")
        shutil.rmtree(self.tree)

    def edit_a_template(self) -> None:
        """The site's own log page, beside mtsite.toml."""
        packaged = Path(cli.__file__).parent.parent / "templates" / "log.html"
        own = self.root / "templates" / "log.html"
        own.parent.mkdir()
        text = packaged.read_text(encoding="utf-8")
        assert text.count("{% endblock %}")
        own.write_text(text.replace("{% endblock %}", f"{EDITED}{{% endblock %}}", 1), "utf-8")

    def stored(self) -> dict[str, bytes]:
        """Path → plain content of all that lies at the destination."""
        found = {}
        for each in self.destination.list():
            there = self.destination.get(each.path)
            assert there is not None
            found[each.path] = plain(there.content)
        return found

    def in_tree(self) -> dict[str, bytes]:
        files = (path for path in self.tree.rglob("*") if path.is_file())
        return {path.relative_to(self.tree).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def home(place: s3server.Place, tmp_path: Path) -> Iterator[Home]:
    """Six runs with failing tests, steps and items; every log is of its own."""
    url, settings = place
    area = make_area(tmp_path, runs=[run("ubuntu/nfs", f"w{n:02}", rows_of(n)) for n in range(6)])
    (tmp_path / "mtsite.toml").write_text(
        f'[areas.fullrun]\npath = "{area.path}"\n[build]\nengine = "inprocess"\n'
        f'[publish]\ndestination = "{url}"\nendpoint_url = "{settings.endpoint_url}"\n'
    )
    destination = open_destination(url, settings)
    yield Home(tmp_path, area, destination)
    destination.close()


def rows_of(week: int) -> list[TestRow]:
    log = f"week {week}\n{LOG}"
    return [
        row("good", log=log, data=[datum("speed", "hz", value=week)]),
        row("bad", status="FAIL", log=f"{log}{EXCERPT}\n", steps=[step("cc", log=f"cc {log}")]),
        row("many", items=["fast", row("slow", status="FAIL", log=f"slow {log}{EXCERPT}\n")]),
    ]


def kept_paths(stored: dict[str, bytes]) -> set[str]:
    return {path for path in stored if path.startswith("_blobs/") or "/_log/" in path}


def findings(tree: Path) -> list[str]:
    return [
        finding.excerpt
        for kept in record.walk(tree)
        for test in kept.tests.values()
        for log in test.logs
        for finding in log.findings
    ]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Watched]:
    """Every destination that a publish opens, watched."""
    found: list[Watched] = []

    def watch(url: str, settings: PublishConfig) -> Watched:
        found.append(Watched(open_destination(url, settings)))
        return found[-1]

    monkeypatch.setattr(upload, "open_destination", watch)
    return found


def test_what_was_published_outlives_run_directories_state_and_tree(
    home: Home, opened: list[Watched]
) -> None:
    """Publish, delete all run directories, .mtsite and site, edit a template, build, publish."""
    assert home.mtsite("nightly") == 0
    assert home.mtsite("publish") == 0
    before = home.stored()
    assert len(kept_paths(before)) >= 6 * 4 * 2
    excerpts = findings(home.tree)
    assert sum(EXCERPT in text for text in excerpts) == 12
    assert not dead_links(before)

    home.lose_everything()
    home.edit_a_template()
    assert home.mtsite("build") == 0
    assert home.mtsite("publish") == 0

    after, tree = home.stored(), home.in_tree()
    assert kept_paths(after) == kept_paths(before) == kept_paths(tree)
    for path in kept_paths(after):
        assert after[path] == tree[path]
        if path.startswith("_blobs/"):
            assert after[path] == before[path]
        else:
            assert EDITED in after[path].decode()
    beside = ("_manifest/", *VOLATILE)
    sent = {path for path in opened[-1].puts() if not path.startswith(beside)}
    assert sent == {
        path for path in after if not path.startswith(beside) and before.get(path) != after[path]
    }
    assert findings(home.tree) == excerpts
    assert sum(EXCERPT.encode() in content for content in after.values()) >= 12
    assert not dead_links(after)
    assert not dead_links(tree)
