"""`build --verify`: the same input built clean beside the tree, and both compared byte for byte."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from mtsite.build.digest import of_bytes as digest_of
from mtsite.build.site import build_site
from mtsite.build.state import BuildFlags, Report
from mtsite.config import Config
from mtsite.engines.engine import Engine
from mtsite.manifest import Manifest

STORES = ("_record", "_blobs")
VOLATILE = ("_status.json", "_status.js", "_jobs/")
"""What the law of equal bytes does not cover."""


class Verified(Struct, frozen=True):
    """How many files were compared, and the paths that differ or stand in one tree only.

    `elsewhere` are at the destination only ([site] keep_local); their digests were compared.
    """

    files: int
    differing: tuple[str, ...]
    elsewhere: int = 0


def verify_site(
    config: Config, engine: Engine, report: Report, *, environ: Mapping[str, str] = os.environ
) -> Verified:
    """Build the input of the tree clean, into a directory of its own that is removed again.

    `_record/` and `_blobs/` are part of the input: they are copied, blobs by link where the file
    system allows it.
    """
    site = config.site.output
    config.state_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="verify-", dir=config.state_dir) as directory:
        clean = Path(directory, "site")
        for store in STORES:
            if (site / store).is_dir():
                shutil.copytree(site / store, clean / store, copy_function=_link_or_copy)
        beside = replace(
            config,
            state_dir=Path(directory, "state"),
            site=replace(config.site, output=clean),
            build=replace(config.build, time_limit=0),
        )
        build_site(beside, engine, report, BuildFlags(allow_drop=True), environ=environ)
        files, differing = 0, []
        for path in _files(site):
            files += 1
            if not _same(site / path, clean / path):
                differing.append(path)
        lacking = [path for path in _files(clean) if not (site / path).exists()]
        elsewhere = _elsewhere(config, clean, lacking)
        differing += (path for path in lacking if path not in elsewhere)
        files += len(lacking) - len(elsewhere)
        return Verified(files, tuple(sorted(differing)), len(elsewhere))


def _elsewhere(config: Config, clean: Path, paths: Iterable[str]) -> set[str]:
    """Those that were let go from this disk, and that the clean build made just like that."""
    if config.site.keep_local is None:
        return set()
    with Manifest.open(config.state_dir) as manifest:
        return {
            path
            for path, digest, _ in manifest.files(paths)
            if digest_of((clean / path).read_bytes()) == digest
        }


def _files(tree: Path) -> Iterator[str]:
    root = len(str(tree)) + 1
    for directory, _, names in os.walk(str(tree)):
        below = f"{directory}/"[root:]
        yield from (below + name for name in names if not (below + name).startswith(VOLATILE))


def _same(one: Path, other: Path) -> bool:
    if not other.exists():
        return False
    return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()


def _link_or_copy(source: str, target: str) -> None:
    # Records are replaced by rename, blobs never change: a link is as good as a copy.
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
