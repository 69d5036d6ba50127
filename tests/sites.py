"""Sites for tests: build a configuration, read its tree, build it clean beside itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from areas import TestArea

from mtsite.build.site import build_site
from mtsite.build.state import BuildFlags, BuildSummary
from mtsite.config import Config, load_config
from mtsite.engines.inprocess import InProcess

VOLATILE = ("_status.json", "_status.js", "_jobs/")


def silent(what: str, done: int, total: int) -> None:
    """A report that nobody reads."""


@dataclass
class TestSite:
    """An mtsite.toml over some areas, with its state and its tree below one directory."""

    __test__ = False

    root: Path
    title: str = "Nightly"

    @property
    def tree(self) -> Path:
        return self.root / "site"

    @property
    def state(self) -> Path:
        return self.root / ".mtsite"

    def config(self) -> Config:
        return load_config(self.root / "mtsite.toml", {})

    def write_config(self, areas: Mapping[str, Path], extra: str = "") -> None:
        lines = [f'[site]\ntitle = "{self.title}"\n']
        lines += [f'[areas.{name}]\npath = "{path}"\n' for name, path in areas.items()]
        (self.root / "mtsite.toml").write_text("\n".join([*lines, extra]), encoding="utf-8")

    def build(self, **flags: bool) -> BuildSummary:
        return build_site(self.config(), InProcess(1), silent, BuildFlags(**flags), environ={})

    def build_clean(self, directory: Path) -> Path:
        """The same input built into another tree, with nothing known but `_record` and `_blobs`."""
        directory.mkdir(parents=True)
        for kept in ("_record", "_blobs"):
            if (self.tree / kept).exists():
                shutil.copytree(self.tree / kept, directory / "site" / kept)
        config = self.config()
        clean = replace(
            config,
            state_dir=directory / ".mtsite",
            site=replace(config.site, output=directory / "site"),
        )
        build_site(clean, InProcess(1), silent, BuildFlags(allow_drop=True), environ={})
        return directory / "site"


def make_site(root: Path, *areas: TestArea) -> TestSite:
    """A site over these areas."""
    site = TestSite(root)
    site.write_config({area.name: area.path for area in areas})
    return site


def files_of(tree: Path) -> dict[str, bytes]:
    """Path → content of every file of a tree that is not volatile."""
    found = {}
    for directory, _, names in os.walk(tree):
        for name in names:
            path = Path(directory, name)
            relative = path.relative_to(tree).as_posix()
            if not relative.startswith(VOLATILE):
                found[relative] = path.read_bytes()
    return found


def difference(first: Path, second: Path) -> list[str]:
    """Paths that the two trees don't share with equal bytes."""
    one, other = files_of(first), files_of(second)
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def build_elsewhere(config_file: Path, output: Path, state_dir: Path, **environ: str) -> None:
    """Build in a process of its own, with another environment."""
    script = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from mtsite.build.site import build_site; from mtsite.config import load_config\n"
        "from mtsite.build.state import BuildFlags\n"
        "from mtsite.engines.inprocess import InProcess\n"
        "c = load_config(Path(sys.argv[1]), {})\n"
        "c = replace(c, state_dir=Path(sys.argv[3]),"
        " site=replace(c.site, output=Path(sys.argv[2])))\n"
        "build_site(c, InProcess(1), lambda *_: None, BuildFlags(allow_drop=True), environ={})\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(config_file), str(output), str(state_dir)],
        env={**os.environ, **environ},
        check=True,
    )
