"""The files that are to be ingested: named ones, all of a directory, standard input."""

import hashlib
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from mtsite.errors import MissingError

STDIN = Path("-")


class Source(Struct, frozen=True):
    """One file; `named`: somebody asked for this very file, so it can't be passed over.

    What it names must lie below `base`: the directory that was given, or that the file lies in.
    """

    path: Path
    name: str
    named: bool
    base: Path | None = None

    def digest(self) -> str:
        """SHA-256 of what it holds."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def find_sources(paths: Iterable[Path], pattern: str, spool: Path) -> list[Source]:
    """All files, each once, those of a directory by name; standard input is kept in `spool`.

    Raises:
        MissingError: one is not there, or there is none at all.
    """
    found: list[Source] = []
    for path in paths:
        if path == STDIN:
            held = spool / "stdin"
            with held.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            found.append(Source(held, "standard input", named=True))
        elif path.is_dir():
            below = sorted(one for one in path.rglob(pattern) if one.is_file())
            found += [Source(one, str(one), named=False, base=path) for one in below]
        elif path.is_file():
            found.append(Source(path, str(path), named=True, base=path.absolute().parent))
        else:
            raise MissingError(f"{path}: no such file", "name files, a directory of them, or -")
    if not found:
        raise MissingError(f"no {pattern} there", "name the files themselves")
    # One that is named and lies in a directory that is named, too, would be there twice.
    once: dict[Path, Source] = {}
    for source in sorted(found, key=lambda one: not one.named):
        once.setdefault(source.path.resolve(), source)
    kept = {id(source) for source in once.values()}
    return [source for source in found if id(source) in kept]


def origin(kind: str, digests: Sequence[str]) -> str:
    """What a run was made from: neither the names of files count, nor their order."""
    return f"{kind} {hashlib.sha256(' '.join(sorted(digests)).encode()).hexdigest()}"


class HashingFile:
    """A file that is read to its end and then knows its digest."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """The next bytes."""
        chunk = self._file.read(size)
        self._hash.update(chunk)
        return chunk

    @property
    def digest(self) -> str:
        """SHA-256 of what was read."""
        return self._hash.hexdigest()
