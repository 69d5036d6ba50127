"""Take one attachment: what it is by its content, then stored so that it is safe to give out.

    copy (up to the cap) → picture: only what makes it    → .png, .jpg, …
                         → text: unpacked, masked         → .txt
                         → anything else: looked through  → .bin

Nothing that may hold a script keeps a type that runs it: HTML, SVG and the like are text, all that
is neither text nor a picture is a download. A file that can't be masked and holds a secret that
can be seen is left out.
"""

import csv
import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from mtsite import atomicfile, urls
from mtsite.attachment import CSV, FILE, IMAGE, JSON, LEFT_OUT, PAGE, TEXT, Attachment
from mtsite.logs.masking import Masking
from mtsite.logs.opened import OPEN_FLAGS, OpenLog, kind_of_file, open_log, why_not
from mtsite.logs.pictures import form_of, read_picture
from mtsite.logs.redact import Redactor
from mtsite.logs.source import count_ends
from mtsite.options import show_size

EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WebP": "webp", "AVIF": "avif"}
LARGEST_PICTURE = 64 << 20
"""Its parts are put together in memory."""

LARGEST_JSON = 2 << 20
_HEAD = 1 << 12
_CHUNK = 1 << 20
_PACKED = frozenset({"gzip", "xz", "zstd"})
UNPACKED_BYTES = 256 << 20
"""So much of what a packed file holds is looked through for secrets."""

_CONTROLS = frozenset(range(32)) - {*b"\t\n\v\f\r\x1b\b"}
_FORMS = (
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"SQLite format 3\0", "SQLite"),
    (b"\x7fELF", "ELF"),
    (b"\x1aE\xdf\xa3", "Matroska"),
)
_MARKUP = ((b"<svg", "SVG"), (b"<!doctype html", "HTML"), (b"<html", "HTML"), (b"<?xml", "XML"))


class AttachmentTaker(Struct, frozen=True):
    """How attachments of a site are taken: masked by what, at most how much of each."""

    site: Path
    redactor: Redactor
    max_bytes: int

    @property
    def _too_large(self) -> str:
        return f"is over max_bytes, {show_size(self.max_bytes)}"

    def take(self, name: str, path: Path) -> Attachment:
        """Store the file at a resolved path, and say what is known of it.

        Never raises for what it finds: `note` says why a file is left out.
        """
        try:
            descriptor = os.open(path, OPEN_FLAGS)
        except (OSError, ValueError) as error:
            return Attachment(name, LEFT_OUT, note=why_not(error, path.name))
        try:
            found = os.fstat(descriptor)
            known = Attachment(
                name,
                LEFT_OUT,
                source_size=found.st_size,
                source_mtime_ns=found.st_mtime_ns,
            )
            if not stat.S_ISREG(found.st_mode):
                return replace(known, note=f"is {kind_of_file(found.st_mode)}, not a regular file")
            if found.st_size > self.max_bytes:
                return replace(known, note=self._too_large)
            return self._take(known, descriptor)
        finally:
            os.close(descriptor)

    def _take(self, known: Attachment, descriptor: int) -> Attachment:
        # A copy: what is looked at is what is stored, whatever the test still writes.
        with atomicfile.draft(self.site / "_blobs") as copy:
            size, note = self._copy(descriptor, copy.file)
            if note:
                return replace(known, note=note)
            copy.file.seek(0)
            head = copy.file.read(_HEAD)
            if form := form_of(head):
                if size > LARGEST_PICTURE:
                    return replace(known, form=form, note="is too large for a picture")
                copy.file.seek(0)
                return self._picture(replace(known, form=form), copy.file.read())
            form = _form(head)
            with open_log(copy.path, max(UNPACKED_BYTES, self.max_bytes)) as opened:
                begins = opened.read(_HEAD)
                if is_text(begins) and (not form or form in _PACKED):
                    return self._text(known, opened, begins, form)
                return self._file(replace(known, form=form), (copy, size), opened, begins)

    def _copy(self, descriptor: int, copy: BinaryIO) -> tuple[int, str]:
        """How many bytes were copied, and why the file is left out."""
        size = 0
        while True:
            try:
                piece = os.read(descriptor, min(_CHUNK, self.max_bytes + 1 - size))
            except OSError as error:
                return size, why_not(error, "")
            if not piece:
                break
            size += len(piece)
            copy.write(piece)
        copy.flush()
        grew = f"grew while it was read, and {self._too_large}"
        return size, grew if size > self.max_bytes else ""

    def _picture(self, known: Attachment, content: bytes) -> Attachment:
        try:
            found = read_picture(content)
        except ValueError as wrong:
            return replace(known, note=f"is no {known.form} that can be shown: {wrong}")
        extension = EXTENSIONS[found.form]
        blob = urls.blob_file(hashlib.sha256(found.content).hexdigest(), extension)
        atomicfile.write(self.site / blob, found.content)
        return replace(
            known,
            kind=IMAGE,
            blob=blob,
            size=len(found.content),
            width=found.width,
            height=found.height,
            huge=found.is_huge,
        )

    def _text(self, known: Attachment, opened: OpenLog, begins: bytes, packed: str) -> Attachment:
        masking = Masking(self.redactor)
        digest = hashlib.sha256()
        size = lines = 0
        last = b"\n"
        with atomicfile.draft(self.site / "_blobs") as draft:
            for block in masking.blocks(_after(begins, opened.read)):
                digest.update(block)
                draft.file.write(block)
                size += len(block)
                lines += count_ends(block, 0, len(block))
                last = block[-1:] or last
                # Masks alone may make a text longer than it was.
                if packed and size > self.max_bytes:
                    return replace(known, note=f"unpacked it {self._too_large}")
            blob = urls.blob_file(digest.hexdigest(), "txt")
            draft.file.seek(0)
            whole = draft.file.read(LARGEST_JSON + 1)
            _keep(draft, self.site / blob)
        kind, form = _kind_of_text(known.name, whole)
        return replace(
            known,
            kind=kind,
            form=form,
            blob=blob,
            size=size,
            lines=lines + (last not in b"\r\n"),
            redacted=dict(sorted(masking.counts.items())),
            reported=self.redactor.reports and bool(masking.counts),
            note=opened.note,
        )

    def _file(
        self,
        known: Attachment,
        copied: tuple[atomicfile.Draft, int],
        opened: OpenLog,
        begins: bytes,
    ) -> Attachment:
        copy, size = copied
        counts = secrets_in(_after(begins, opened.read), self.redactor)
        if known.form in _PACKED:
            # Names in its head, and what stands behind it, are not in what it unpacks to.
            copy.file.seek(0)
            counts = secrets_in(copy.file.read, self.redactor) | counts
        reported = self.redactor.reports and bool(counts)
        known = replace(known, redacted=counts, reported=reported)
        if counts and not reported:
            return replace(known, note="holds a secret that can't be masked in it")
        copy.file.seek(0)
        digest = hashlib.sha256()
        while piece := copy.file.read(_CHUNK):
            digest.update(piece)
        blob = urls.blob_file(digest.hexdigest(), "bin")
        _keep(copy, self.site / blob)
        return replace(known, kind=FILE, blob=blob, size=size)


def secrets_in(read: Callable[[int], bytes], redactor: Redactor) -> dict[str, int]:
    """How many secrets of each rule can be seen in a stream."""
    masking = Masking(redactor)
    for _ in masking.blocks(read):
        pass
    return dict(sorted(masking.counts.items()))


def is_text(head: bytes) -> bool:
    """Whether a file that begins so is text: no zero bytes, hardly any control characters."""
    if not head:
        return True
    odd = sum(byte in _CONTROLS for byte in head)
    broken = head.decode("utf-8", "replace").count("\ufffd")
    return b"\0" not in head and odd * 50 <= len(head) and broken * 10 <= len(head)


def _after(begins: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """A stream whose first bytes were read already."""
    held = [begins]

    def again(size: int) -> bytes:
        piece = held.pop() if held else b""
        if len(piece) > size:
            held.append(piece[size:])
        return piece[:size] or read(size)

    return again


def _keep(draft: atomicfile.Draft, path: Path) -> None:
    """What has the name already is the same."""
    if not path.exists():
        draft.keep(path)


def _form(head: bytes) -> str:
    return next((form for magic, form in _FORMS if head.startswith(magic)), "")


def _kind_of_text(name: str, text: bytes) -> tuple[str, str]:
    begins = text[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for tag, form in _MARKUP:
        if begins.startswith(tag):
            inner = form
            if form == "XML":
                inner = next((told for tag, told in _MARKUP[:3] if tag in begins), form)
            return (PAGE if inner in ("HTML", "SVG") else TEXT), inner
    if begins[:1] in (b"{", b"[") and len(text) <= LARGEST_JSON and _is_json(text):
        return JSON, "JSON"
    if name.lower().removesuffix(".gz").endswith((".csv", ".tsv")) and _is_table(text):
        return CSV, "CSV"
    return TEXT, ""


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_table(text: bytes) -> bool:
    rows = table_rows(text, 3)
    return len(rows) > 0 and len(rows[0]) > 1


def table_rows(text: bytes, most: int) -> list[list[str]]:
    """The first rows of a table whose cells are apart by comma, semicolon or tab."""
    told = text[: 1 << 16].decode("utf-8-sig", "replace").replace("\0", "\ufffd")
    lines = told.splitlines(keepends=True)
    first = lines[0] if lines else ""
    between = max(",;\t", key=first.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=between):
            if row:
                rows.append(row)
            if len(rows) == most:
                break
    except csv.Error:
        pass
    return rows
