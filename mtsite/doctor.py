"""What an operator wants to know before the night: one line per check, each with its remedy.

Checks only look; the probe of the destination takes away what it put.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mtsite.amounts import plural
from mtsite.config import Config
from mtsite.errors import MtsiteError
from mtsite.refused import nearest_directory

LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_INODES = 100_000


class Finding(NamedTuple):
    """One check: what was looked at, whether it is well, what was seen, and what to do if not."""

    what: str
    well: bool
    told: str
    hint: str = ""


def examine(
    config: Config, environ: Mapping[str, str], *, now: float, offline: bool = False
) -> Iterator[Finding]:
    """All checks, as they are made; `now` is Unix time. Never raises for what it finds."""
    told = str(config.file or "no mtsite.toml: all settings are defaults")
    yield Finding("configuration", True, told)
    yield _clock(config, now)
    for name, directory in (("site", config.site.output), ("state", config.state_dir)):
        yield _writable(name, directory)
        yield _room(name, directory)
    if not config.areas:
        yield Finding("areas", False, "there is none", "mtsite init AREA_DIR writes them down")
    for name in config.areas:
        yield from _area(config, name, environ)
    yield from _notice(config)
    yield from _destination(config, offline=offline)


def _clock(config: Config, now: float) -> Finding:
    """A host whose clock stands before the site's own files would publish into the past."""
    told = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    manifest = config.state_dir / "manifest.db"
    try:
        newest = manifest.stat().st_mtime
    except OSError:
        newest = now
    if newest > now + 60:
        return Finding(
            "clock",
            False,
            f"{told}, yet the last build is {newest - now:.0f} s ahead of it",
            "set the clock (`timedatectl` tells whether it is synchronised)",
        )
    return Finding("clock", True, told)


def _writable(name: str, directory: Path) -> Finding:
    place = nearest_directory(directory)
    if os.access(place, os.W_OK | os.X_OK):
        return Finding(f"{name} directory", True, str(directory))
    return Finding(
        f"{name} directory",
        False,
        f"{directory} can't be written",
        f"look at the rights of {place}: `ls -ld {place}`",
    )


def _room(name: str, directory: Path) -> Finding:
    place = nearest_directory(directory)
    free = shutil.disk_usage(place).free
    inodes = os.statvfs(place)
    told = f"{free / 1e9:,.1f} GB free at {place}"
    if free < LEAST_FREE_BYTES:
        return Finding(f"{name} disk", False, told, "free some space, or move [site] output")
    # A file system without a fixed number of files says 0.
    if inodes.f_files and inodes.f_favail < LEAST_FREE_INODES:
        return Finding(
            f"{name} disk",
            False,
            f"{told}, but only {plural(inodes.f_favail, 'file')} more fit",
            "a site is many small files: move [site] output to another file system",
        )
    return Finding(f"{name} disk", True, told)


def _area(config: Config, name: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    from mtsite.megatest.area import open_area
    from mtsite.megatest.caches import is_this_host

    try:
        area = open_area(config.areas[name], environ)
    except MtsiteError as error:
        told = error.message.removeprefix(f"area {name}: ")
        yield Finding(f"area {name}", False, told, error.hint)
        return
    told = f"{'/'.join(area.fields)} in {area.path}"
    for problem in area.problems:
        yield Finding(f"area {name}", False, problem, "mtsite area show tells more")
    if area.linktree is not None and not area.linktree.is_dir():
        yield Finding(
            f"area {name}", False, f"no linktree at {area.linktree}", "is a disk not mounted?"
        )
    if not area.problems:
        yield Finding(f"area {name}", True, told)
    if area.homehost and not is_this_host(area.homehost):
        yield Finding(
            f"area {name}: homehost",
            False,
            f"{area.homehost} is another host: nothing can be moved from here",
            f"run `mtsite nightly` on {area.homehost}",
        )


def _notice(config: Config) -> Iterator[Finding]:
    if not config.notify.command:
        return
    program = config.notify.command[0]
    found = shutil.which(program)
    yield Finding(
        "notify",
        found is not None,
        found or f"[notify] command: there is no program {program}",
        "" if found else "give its whole path, and the right to execute it",
    )


def _destination(config: Config, *, offline: bool) -> Iterator[Finding]:
    from mtsite.publish.destination import open_destination
    from mtsite.publish.probe import Probe

    url = config.publish.destination
    if not url:
        yield Finding("destination", True, "none is set: the site stays on this disk")
        return
    if offline:
        yield Finding("destination", True, f"{url} (not asked)")
        return
    try:
        destination = open_destination(url, config.publish)
    except MtsiteError as error:
        yield Finding("destination", False, error.message, error.hint)
        return
    try:
        for tried in Probe(destination).rights():
            yield Finding(
                f"destination: {tried.what}", not tried.told, tried.told or url, tried.hint
            )
    finally:
        destination.close()
