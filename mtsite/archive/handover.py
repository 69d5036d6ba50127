"""Caches of a homehost's /tmp, copied into the area itself: what `homehost hand-over` leaves.

For hosts whose /tmp the next homehost can't see. The file `current.json` names the copy that
counts; it is written last, so a hand-over is there whole or not at all.
"""

import json
import shutil
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from msgspec import Struct

from mtsite import atomicfile
from mtsite.archive.homecaches import Carried
from mtsite.errors import AreaUnreadableError

DIRECTORY = ".mtsite-homehost"
CURRENT = "current.json"


class Handover(Struct, frozen=True):
    """A finished hand-over: from which host, when (Unix time), and what megatest.db was then.

    `written` is the time of its file by the file server's clock, which stamps server logs, too.
    """

    host: str
    when: float
    change_counter: int
    size: int
    caches: tuple[dict[str, Any], ...]
    directory: Path
    written: float = 0

    @property
    def told(self) -> str:
        """Host and time in words."""
        when = datetime.fromtimestamp(self.when, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"{self.host} on {when}"

    def carried(self, tmp: Path) -> tuple[Carried, ...]:
        """Its caches, as they are to be below a /tmp."""
        return tuple(self._one(one, tmp) for one in self.caches)

    def _one(self, one: dict[str, Any], tmp: Path) -> Carried:
        source = self.directory / one["copy"]
        place = tmp / one["user"] / "megatest_localdb" / one["testsuite"] / one["place"]
        files = {name: source / name for name in one["files"]}
        return Carried(one["user"], one["uid"], one["gid"], source, place, files)


def find_handover(area_path: Path) -> Handover | None:
    """The hand-over that lies in an area, None where there is none.

    Raises:
        AreaUnreadableError: it can't be read, or names places outside of itself.
    """
    directory = area_path / DIRECTORY
    try:
        read = json.loads((directory / CURRENT).read_bytes())
        found = Handover(
            str(read["host"]),
            float(read["when"]),
            int(read["change_counter"]),
            int(read["size"]),
            tuple(map(_checked, read["caches"])),
            directory / _name(read["directory"]),
            (directory / CURRENT).stat().st_mtime,
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{directory / CURRENT} can't be read: {error}"
        raise AreaUnreadableError(message, f"delete {directory} and hand over again") from error
    return found


def write_handover(area_path: Path, told: Handover) -> None:
    """Make a finished hand-over the one that counts, and delete those before."""
    caches = [dict(one) for one in told.caches]
    content = {
        "host": told.host,
        "when": told.when,
        "directory": told.directory.name,
        "change_counter": told.change_counter,
        "size": told.size,
        "caches": caches,
    }
    directory = area_path / DIRECTORY
    atomicfile.write_durable(directory / CURRENT, json.dumps(content, indent=1).encode())
    for path in directory.iterdir():
        if path.is_dir() and path != told.directory:
            shutil.rmtree(path, ignore_errors=True)


def next_directory(area_path: Path) -> Path:
    """A new directory for a hand-over; what an earlier one that died left is thrown away."""
    directory = area_path / DIRECTORY
    directory.mkdir(exist_ok=True)
    found = find_handover(area_path)
    for path in directory.iterdir():
        if path.is_dir() and (found is None or path != found.directory):
            shutil.rmtree(path, ignore_errors=True)
    made = next(one for n in count(1) if not (one := directory / str(n)).exists())
    made.mkdir()
    return made


def clear_handover(area_path: Path) -> None:
    """Delete the hand-over of an area: its caches are in place."""
    directory = area_path / DIRECTORY
    if directory.is_dir():
        (directory / CURRENT).unlink(missing_ok=True)
        shutil.rmtree(directory, ignore_errors=True)


def _checked(one: dict[str, Any]) -> dict[str, Any]:
    for key in ("copy", "user", "testsuite", "place"):
        _name(one[key])
    for name in one["files"]:
        _name(name)
    return {**one, "uid": int(one["uid"]), "gid": int(one["gid"])}


def _name(text: object) -> str:
    name = str(text)
    if not name or "/" in name or name in {".", ".."} or "\0" in name:
        raise ValueError(f"{name!r} is no name of a file")
    return name
