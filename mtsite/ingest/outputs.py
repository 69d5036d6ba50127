"""Texts of ingested items as logs: real directories in the linktree, one per item that has any.

    <linktree>/<target>/<runname>/<test>/<item>/failure.log, system-out.log, attempt-2.log …

Names are escaped as in addresses of the site, so that any name is one directory. A directory of
its own, `<runname>~2`, is taken while another has the name: rows always name the one that was
written for them.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from mtsite import urls
from mtsite.junit.text import Text

MARKER = ".mtsite-ingest"
GROUP = "_group"
"""Where texts of a test's toplevel row lie: no escaped name begins with `_`."""


class RunOutputs:
    """The directory of one run; nothing is made before the first text is written."""

    def __init__(self, linktree: Path, values: Sequence[str], runname: str) -> None:
        parent = linktree.joinpath(*(urls.segment(value) for value in values))
        self._first = parent / urls.segment(runname)
        self._root = ""
        self._made: set[str] = set()

    def others(self) -> list[Path]:
        """Directories of this run that an ingest made, but this one."""
        parent, name = self._first.parent, self._first.name
        if not parent.is_dir():
            return []
        found = [
            each
            for each in sorted(parent.iterdir())
            if (each.name == name or each.name.startswith(f"{name}~"))
            and str(each) != self._root
            and not each.is_symlink()
            and (each / MARKER).is_file()
        ]
        return [each for each in found if (each / MARKER).read_text("utf-8") == name]

    def directory(self, test: str, item: str | None) -> str:
        """The directory of an item, or of a test's toplevel row (None); made when it is asked."""
        root = self._root or self._make_root()
        below = f"{root}/{urls.segment(test)}"
        path = f"{below}/{GROUP if item is None else urls.segment(item)}"
        if path not in self._made:
            if below not in self._made:
                _make(below)
                self._made.add(below)
            _make(path)
            if item is None:
                self._made.add(path)
        return path

    def discard(self) -> None:
        """Remove what was written: no row names it."""
        if self._root:
            shutil.rmtree(self._root, ignore_errors=True)

    def _make_root(self) -> str:
        self._first.parent.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            root = self._first.parent / f"{self._first.name}{'' if number == 1 else f'~{number}'}"
            try:
                root.mkdir()
                break
            except FileExistsError:
                number += 1
        (root / MARKER).write_text(self._first.name, encoding="utf-8")
        self._root = str(root)
        return self._root


def _make(directory: str) -> None:
    """Thousands of times, and what lies above is there: nothing is looked up first."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory)  # noqa: PTH102


def write_log(directory: str, name: str, head: str, texts: Iterable[Text]) -> None:
    """Append to a log: a line that names it, if any, then the texts."""
    with open(  # noqa: PTH123  # thousands of times: a string is at hand
        f"{directory}/{name}", "a", encoding="utf-8", newline=""
    ) as file:
        if head:
            file.write(f"{head}\n\n")
        for text in texts:
            text.append_to(file)
            file.write("\n")
