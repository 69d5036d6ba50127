"""Blobs that wait to be deleted: no record names them any more, but pages may still lead there.

A file in the state directory, written before the records change. When it is lost the blobs stay
where they are as rubbish; nothing that anybody refers to is ever lost with it.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from mtsite import atomicfile, lock
from mtsite.config import Config
from mtsite.manifest import Manifest
from mtsite.model import RunRecord

FILE = "let-go-blobs.json"
LET_GO = "let go"
"""As a run's fingerprint in the manifest: its record changed, its pages are to be made again."""

_BLOB = re.compile(rb'_blobs/[0-9a-f]{2}/[0-9a-f]{64}\.[A-Za-z0-9]{1,16}(?=")')


def blobs_of(kept: RunRecord) -> set[str]:
    """The blobs that a record names."""
    return {one.blob for test in kept.tests.values() for one in test.files if one.blob}


def load(state_dir: Path) -> dict[str, set[str]]:
    """Blob → the runs (directories) whose pages led to it."""
    try:
        found = json.loads((state_dir / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {blob: set(dirs) for blob, dirs in found.items()}


def add(state_dir: Path, waiting: Iterable[tuple[str, str]]) -> None:
    """These (blob, run directory) wait as well; on disk when this returns."""
    known = load(state_dir)
    for blob, run_dir in waiting:
        known.setdefault(blob, set()).add(run_dir)
    _store(state_dir, known)


def awaits_build(state_dir: Path) -> bool:
    """Whether pages are still to be made after something was let go, or their build died."""
    with Manifest.open(state_dir) as manifest:
        known = manifest.known_runs().values()
        # A run without a fingerprint that is not gone had not ended when it was read.
        unmade = any(
            one.fingerprint == LET_GO or (one.gone and not one.fingerprint) for one in known
        )
        return unmade or bool(load(state_dir) or manifest.get("pending"))


def sweep(config: Config) -> list[str]:
    """Delete the waiting blobs that neither a record names nor an old page leads to; their paths.

    A build must not go on meanwhile: it might be about to name one of them again.

    Raises:
        BusyError: a build of this site is going on.
    """
    with (
        lock.hold(config.state_dir, "build", "mtsite retain apply"),
        Manifest.open(config.state_dir) as manifest,
    ):
        waiting = load(config.state_dir)
        if not waiting:
            return []
        known = manifest.known_runs()
        stale = {d for d, one in known.items() if one.fingerprint in {"", LET_GO}}
        named = named_blobs(config.site.output)
        free = sorted(b for b, dirs in waiting.items() if b not in named and not dirs & stale)
        for blob in free:
            (config.site.output / blob).unlink(missing_ok=True)
        manifest.forget_pages(free)
        manifest.commit()
        left = {b: dirs for b, dirs in waiting.items() if b not in named and b not in free}
        _store(config.state_dir, left)
    return free


def named_blobs(site: Path) -> set[str]:
    """Every blob that some record of a site names, also one that can't be read as a record."""
    found: set[str] = set()
    for path in (site / "_record").rglob("_run.json"):
        found.update(name.decode("ascii") for name in _BLOB.findall(path.read_bytes()))
    return found


def _store(state_dir: Path, waiting: dict[str, set[str]]) -> None:
    content = json.dumps({blob: sorted(dirs) for blob, dirs in sorted(waiting.items())}, indent=0)
    atomicfile.write_durable(state_dir / FILE, f"{content}\n".encode())
