"""The attachments of one test: found, taken once, and what was left out said. A worker's."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from mtsite.attachment import LEFT_OUT, READABLE, Attachment
from mtsite.chosenfiles import AttachmentsConfig, Chooser
from mtsite.logs.attach import AttachmentTaker
from mtsite.megatest.attached import find_attached
from mtsite.megatest.linktree import FoundLog, Roots
from mtsite.model import LogRecord, RunKey, Test
from mtsite.options import show_size
from mtsite.pages import words

HEAD_BYTES = 1 << 16
"""So much of a text is read for its part of a page."""


class AttachmentReader(Struct, frozen=True):
    """Takes what `chooser` chooses within the limits of the settings."""

    limits: AttachmentsConfig
    chooser: Chooser
    taker: AttachmentTaker

    def read(
        self,
        test: tuple[RunKey, Test],
        before: Sequence[Attachment],
        roots: Roots,
        logs: Sequence[LogRecord],
    ) -> tuple[Attachment, ...]:
        """All attachments by name. What was stored once stays, whatever became of the file."""
        most = self.limits.max_files
        logged = {log.name for log in logs}
        found, more, notes = find_attached(roots, test, self.chooser, most, logged)
        known = {one.name: one for one in before if one.name}
        taken = list(self._take(found, known))
        if more:
            files = words.plural(more, "more file")
            notes = (f"{files} left out: the first {words.number(most)} are taken", *notes)
        taken += [one for one in known.values() if one.blob or one.ended]
        taken.sort(key=lambda one: one.name.encode("utf-8", "surrogateescape"))
        return (*taken, *(Attachment("", LEFT_OUT, note=note) for note in notes))

    def _take(
        self, found: Sequence[FoundLog], known: dict[str, Attachment]
    ) -> Iterator[Attachment]:
        total = 0
        for file in found:
            old = known.pop(file.name, None)
            if old is not None and old.ended:
                yield old
                continue
            size, moved = _looked_at(file.path)
            stored = old if old is not None and old.blob else None
            if file.refused:
                one = Attachment(file.name, LEFT_OUT, note=file.refused)
            elif stored and (size, moved) in ((stored.source_size, stored.source_mtime_ns), (0, 0)):
                one = stored
            elif total + size > self.limits.max_total:
                note = f"is beyond max_total, {show_size(self.limits.max_total)}"
                one = Attachment(file.name, LEFT_OUT, source_size=size, note=note)
            else:
                one = self.taker.take(file.name, file.path)
            one = stored if stored and not one.blob else one
            total += one.source_size if one.blob else 0
            yield one


def heads_of(site: Path, attachments: Sequence[Attachment], most: int) -> dict[str, bytes]:
    """The beginnings of the first texts among them, by blob; what is not there is left out."""
    heads: dict[str, bytes] = {}
    for one in attachments:
        if one.blob and one.kind in READABLE and len(heads) < most:
            try:
                with (site / one.blob).open("rb") as file:
                    heads[one.blob] = file.read(HEAD_BYTES)
            except OSError:
                continue
    return heads


def _looked_at(path: Path) -> tuple[int, int]:
    """Size and time of a file; zeros when it is gone."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return found.st_size, found.st_mtime_ns
