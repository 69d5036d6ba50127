"""Text of any length that arrives in pieces: short in memory, long in a file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

IN_MEMORY = 1 << 16
"""Characters that are kept in memory."""

_HEADING = re.compile(r"^-+ Captured (?:Log|Out|Err) -+$", re.MULTILINE)
_MOST_HEADINGS = 1_000


class Text:
    """One output; beyond `limit` characters it waits in a file of `directory`, which is its own."""

    __slots__ = ("_directory", "_file", "_held", "_limit", "_path", "_pieces")

    def __init__(self, directory: Path, limit: int = IN_MEMORY) -> None:
        self._directory = directory
        self._limit = limit
        self._pieces: list[str] = []
        self._held = 0
        self._file: TextIO | None = None
        self._path: Path | None = None

    def add(self, piece: str) -> None:
        """Append; beyond the limit characters go to the file."""
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > self._limit:
            self._spill()

    def is_blank(self) -> bool:
        """Whether it says nothing: white space, and the headings that pytest always writes."""
        if self._file is not None or self._held > _MOST_HEADINGS:
            return False
        return not _HEADING.sub("", "".join(self._pieces)).strip()

    def head(self) -> str:
        """Its beginning, up to the limit."""
        if self._path is None:
            return "".join(self._pieces)
        self._spill()
        assert self._file is not None
        self._file.flush()
        with self._path.open(encoding="utf-8", newline="") as file:
            return file.read(self._limit)

    def whole(self) -> str:
        """All of it, however long."""
        if self._path is None:
            return "".join(self._pieces)
        self._spill()
        assert self._file is not None
        self._file.flush()
        with self._path.open(encoding="utf-8", newline="") as file:
            return file.read()

    def overlapping(self, by: int) -> Iterator[str]:
        """All of it in pieces, each beginning with the last `by` characters of the one before."""
        if self._path is None:
            yield "".join(self._pieces)
            return
        self._spill()
        assert self._file is not None
        self._file.flush()
        with self._path.open(encoding="utf-8", newline="") as file:
            held = ""
            while piece := file.read(1 << 20):
                yield held + piece
                held = (held + piece)[-by:]

    def append_to(self, file: TextIO) -> None:
        """Write all of it to an open file, and let it go."""
        if self._path is None:
            file.writelines(self._pieces)
            return
        self._spill()
        assert self._file is not None
        self._file.close()
        with self._path.open(encoding="utf-8", newline="") as held:
            while piece := held.read(1 << 20):
                file.write(piece)
        self.discard()

    def discard(self) -> None:
        """Let it go: nothing of it stays on disk."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._pieces, self._held = [], 0

    def _spill(self) -> None:
        if self._file is None:
            self._path = self._directory / f"text-{id(self):x}"
            self._file = self._path.open("w", encoding="utf-8", newline="")
        self._file.writelines(self._pieces)
        self._pieces, self._held = [], 0
