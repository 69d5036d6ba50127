"""A tree without a manifest: what in it is ours is adopted, what nothing made is taken away."""

import os
from pathlib import Path

from mtsite import record
from mtsite.atomicfile import TEMPORARY_PREFIX
from mtsite.build.reasons import reasons_of
from mtsite.build.vanished import known_from, remaining_outcomes
from mtsite.errors import UsageError
from mtsite.logs.blocks import stored_file
from mtsite.manifest import Manifest
from mtsite.treefiles import on_disk

KEPT = ("_blobs", "_record", "_manifest", "_jobs", "_status.json", "_status.js")
MARKS = ("_assets", "_record", "_blobs", ".nojekyll")


def adopt(site: Path, manifest: Manifest) -> bool:
    """Know the runs and blobs that lie in a site, when the manifest does not.

    Returns whether the directory holds anything at all.

    Raises:
        UsageError: the directory holds something, but no site.
    """
    held = [entry.name for entry in os.scandir(site)] if site.exists() else []
    if held and not any(name in MARKS for name in held):
        raise UsageError(
            f"{site} holds files that mtsite did not make, for example {min(held)}",
            "name an empty directory as [site] output (or with -o)",
        )
    manifest.clear()
    for kept in record.walk(site):
        if kept.summary is not None:
            known = known_from(kept, kept.summary, "")
            manifest.note_run(known, kept.summary, remaining_outcomes(kept))
            manifest.note_reasons(known.dir, reasons_of(kept))
    manifest.note_blobs(
        stored_file(site, f"_blobs/{path.parent.name}/{path.name}")
        for path in sorted((site / "_blobs").glob("??/*"))
        if not path.name.startswith(TEMPORARY_PREFIX)
    )
    return bool(held)


def clear(site: Path, manifest: Manifest) -> int:
    """Take away files that no build of this site made; returns how many. Never a blob or record."""
    removed = 0
    for path in on_disk(site):
        name = path.rsplit("/", 1)[-1]
        # Asked one by one: the paths of eight years would not fit into memory.
        kept = path.split("/", 1)[0] in KEPT or manifest.holds(path)
        if name.startswith(TEMPORARY_PREFIX) or not kept:
            (site / path).unlink(missing_ok=True)
            removed += 1
    return removed
