"""The store of an area's objects: one directory per state, one file per object.

    objects/ready/<digest>.json                          arrived
    objects/loading/<digest>.json                        being written into the area
    objects/complete/<repository>/<revision>/<digest>.json   its rows are there
    objects/complete/_machines/<name>/<digest>.json
    objects/quarantine/<digest>.json and <digest>.reason  broken

A state changes by a rename, so an object is in one of them at every instant. The digest is that of
its JSON with sorted names: layout does not count.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from mtsite import atomicfile, urls
from mtsite.objects.shape import MACHINE, Found, ObjectError, read_object

READY, LOADING, COMPLETE, QUARANTINE = "ready", "loading", "complete", "quarantine"
MACHINES = "_machines"


def digest_of(text: str) -> str:
    """SHA-256 of what an object says; of its text where that is no JSON."""
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class ObjectStore:
    """The objects of one area; its caller holds the area's lock."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known = {path.name: path for path in root.rglob("*.json")}

    def take(self, text: str) -> bool:
        """Put an object into `ready`; False where it is in the store already."""
        name = f"{digest_of(text)}.json"
        if name in self._known:
            return False
        path = self._root / READY / name
        atomicfile.write_durable(path, text.encode("utf-8", "surrogatepass"))
        self._known[name] = path
        return True

    def waiting(self) -> list[Path]:
        """Objects that are ready, and those that a death left in `loading`."""
        both = (self._root / READY, self._root / LOADING)
        return sorted(
            (path for place in both for path in place.glob("*.json")), key=lambda path: path.name
        )

    def load(self, path: Path) -> Found | None:
        """Begin with one; None, and it is in quarantine with its reason, where it is broken."""
        try:
            found = read_object(read_text(path))
        except ObjectError as error:
            reason = self._root / QUARANTINE / f"{path.stem}.reason"
            atomicfile.write_durable(reason, f"{error}\n".encode("utf-8", "replace"))
            self._move(path, self._root / QUARANTINE)
            return None
        self._move(path, self._root / LOADING)
        return found

    def complete(self, name: str, found: Found) -> None:
        """Its rows are committed."""
        self._move(self._root / LOADING / name, self.place_of(found))

    def put_back(self, name: str) -> None:
        """Its rows could not be written: it waits for the next time."""
        self._move(self._root / LOADING / name, self._root / READY)

    def place_of(self, found: Found) -> Path:
        """Where an object lies once it is complete."""
        if found.kind == MACHINE:
            return self._root / COMPLETE / MACHINES / urls.segment(found.id)
        below = self._root / COMPLETE / urls.segment(found.repository)
        return below / urls.segment(found.revision)

    def objects_in(self, place: Path) -> Iterator[tuple[str, Found]]:
        """The complete objects of one place, by digest."""
        for path in sorted(place.glob("*.json")):
            yield path.name, read_object(read_text(path))

    def machine(self, name: str) -> Found | None:
        """What is known of a machine: its last object by the order of digests is as good as any."""
        place = self._root / COMPLETE / MACHINES / urls.segment(name)
        return next((found for _name, found in self.objects_in(place)), None) if name else None

    def quarantined(self) -> list[tuple[str, str]]:
        """Digest and reason of every object that is broken."""
        found = sorted((self._root / QUARANTINE).glob("*.reason"))
        return [(path.stem, path.read_text("utf-8").strip()) for path in found]

    def _move(self, path: Path, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        os.replace(path, directory / path.name)  # noqa: PTH105  # a rename and nothing else
        self._known[path.name] = directory / path.name


def read_text(path: Path) -> str:
    """The text of a stored object as it came."""
    return path.read_bytes().decode("utf-8", "surrogatepass")
