"""The attachments of a test: pictures in a strip, the beginnings of texts, the rest by name.

Everything here was chosen by whoever can run a test. A picture is shown only as one; a page (HTML,
SVG) only in a frame that is sandboxed, where no script runs and nothing is loaded from elsewhere.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from mtsite.attachment import CSV, IMAGE, JSON, LEFT_OUT, PAGE, READABLE, Attachment
from mtsite.logs import ansi
from mtsite.logs.attach import table_rows
from mtsite.logs.source import decode_line, split_lines
from mtsite.pages import words
from mtsite.pages.logs import masked_note
from mtsite.pages.weight import weight, within

OPEN_PICTURES = 12
MOST_PICTURES = 72
MOST_TEXTS = 6
OPEN_FILES = 20
MOST_FILES = 400
MOST_REASONS, MOST_NAMED = 20, 12
SHOTS_ROOM, PARTS_ROOM, FILES_ROOM = 80_000, 250_000, 120_000
"""Bytes of HTML: names and texts are of any length, and a page must not grow with them."""

ROW_BYTES = 250
TABLE_ROWS = 50
TABLE_COLUMNS = 20
TEXT_LINES = 40
LONGEST_LINE = 300
LONGEST_CELL = 120
LARGEST_FRAME = 32 << 10
"""Bytes of a page that is shown: they stand in the test's own page."""

HEIGHT, WIDTH = 144, 300
"""The most that a picture takes in the strip, in pixels."""

_JSON = json.JSONEncoder(indent=2, ensure_ascii=False)

Shot = tuple[str, str, int, int, str]
"""(name, link, width and height in the strip, what is said of it)."""


class Part(Struct, frozen=True):
    """A text with its beginning: a table (the first row is its head), lines, or a page to frame."""

    name: str
    href: str
    said: str
    rows: tuple[tuple[str, ...], ...] = ()
    text: str = ""
    frame: str = ""
    cut: str = ""


def shown(
    attachments: Sequence[Attachment], heads: Mapping[str, bytes], to_root: str
) -> dict[str, object]:
    """What the page shows; `heads` are the beginnings of stored texts by blob."""
    if not attachments:
        return {"attachments": None}
    stored = [one for one in attachments if one.blob]
    pictures = [one for one in stored if one.kind == IMAGE and not one.huge]
    shots = [_shot(one, to_root) for one in pictures[:MOST_PICTURES]]
    shots = list(within(shots, (2 * weight(*one[:2]) + ROW_BYTES for one in shots), SHOTS_ROOM))
    texts = [one for one in stored if one.blob in heads][:MOST_TEXTS]
    made = [_part(one, heads[one.blob], to_root + one.blob) for one in texts]
    made = [part for part in made if part.rows or part.text or part.frame]
    parts = within(made, map(_weight, made), PARTS_ROOM)
    above = {shot[0] for shot in shots} | {part.name for part in parts}
    files = [one for one in attachments if one.name not in above and (one.blob or one.ended)]
    rows = [_file(one, to_root) for one in files[:MOST_FILES]]
    listed = within(rows, (2 * weight(*row) + ROW_BYTES for row in rows), FILES_ROOM)
    return {
        "attachments": {
            "total": len(stored),
            "shots": tuple(shots[:OPEN_PICTURES]),
            "more": tuple(shots[OPEN_PICTURES:]),
            "parts": parts,
            "files": listed,
            "files_total": len(files),
            "folded": len(files) > OPEN_FILES,
            "left_out": _left_out(attachments),
        }
    }


def document(one: Attachment) -> dict[str, object]:
    """An attachment in the JSON twin of its run."""
    return {
        "name": one.name,
        "kind": one.kind,
        "form": one.form,
        "blob": one.blob,
        "size": one.size,
        "source_size": one.source_size,
        "width": one.width,
        "height": one.height,
        "huge": one.huge,
        "lines": one.lines,
        "redacted": dict(sorted(one.redacted.items())),
        "reported": one.reported,
        "note": " · ".join(filter(None, (one.note, one.ended))),
    }


def _shot(one: Attachment, to_root: str) -> Shot:
    # Of one size before and after it is loaded, and never larger than it is.
    scale = min(1.0, HEIGHT / one.height, WIDTH / one.width)
    size = max(1, round(one.width * scale)), max(1, round(one.height * scale))
    return one.name, to_root + one.blob, *size, _said(one)


def _part(one: Attachment, head: bytes, href: str) -> Part:
    said = _said(one)
    if one.kind == CSV:
        rows = _cells(head)
        is_cut = len(rows) > TABLE_ROWS + 1 or one.size > len(head)
        rows = rows[: TABLE_ROWS + 1]
        cut = _first(len(rows) - 1, "row") if is_cut else ""
        return Part(one.name, href, said, rows=rows, cut=cut)
    if one.kind == PAGE:
        whole = one.size <= LARGEST_FRAME and len(head) == one.size
        page = head.decode("utf-8", "replace").replace("\0", "\ufffd") if whole else ""
        return Part(one.name, href, said, frame=page, cut="in a frame without scripts")
    lines = _lines(_indented(one, head))
    cut = ""
    if len(lines) > TEXT_LINES or one.size > len(head):
        lines = lines[:TEXT_LINES]
        cut = _first(len(lines), "line")
    return Part(one.name, href, said, text="\n".join(lines), cut=cut)


def _first(number: int, what: str) -> str:
    return f"the first {words.plural(number, what) if number > 1 else what}"


def _indented(one: Attachment, head: bytes) -> bytes:
    """JSON as one reads it; as it is where that can't be had."""
    if one.kind != JSON or len(head) < one.size:
        return head
    try:
        pieces = list(_shown_of(_JSON.iterencode(json.loads(head))))
    except (ValueError, RecursionError):
        return head
    return "".join(pieces).encode("utf-8", "replace")


def _shown_of(pieces: Iterable[str]) -> Iterator[str]:
    """As many as are shown: where all is deep inside, each line begins with so many blanks."""
    lines = 0
    for piece in pieces:
        yield piece
        lines += piece.count("\n")
        if lines > TEXT_LINES:
            return


def _lines(content: bytes) -> list[str]:
    shown_lines = split_lines(content)[: TEXT_LINES + 1]
    return [_cut(decode_line(ansi.strip(line))[0], LONGEST_LINE) for line in shown_lines]


def _cells(head: bytes) -> tuple[tuple[str, ...], ...]:
    rows = table_rows(head, TABLE_ROWS + 2)
    width = min(TABLE_COLUMNS, max(map(len, rows), default=0))
    return tuple(
        tuple(_cut(cell, LONGEST_CELL) for cell in (*row, *[""] * width)[:width]) for row in rows
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _said(one: Attachment) -> str:
    """Form, pixels or lines, size, and what was done with it."""
    pixels = f"{words.number(one.width)} × {words.number(one.height)}" if one.width else ""
    told = (
        pixels or one.form,
        words.plural(one.lines, "line") if one.kind in READABLE else "",
        words.size(one.size),
        "too many pixels to show" if one.huge else "",
        masked_note(one.redacted, reported=one.reported),
        one.note,
    )
    return " · ".join(filter(None, told))


def _file(one: Attachment, to_root: str) -> tuple[str, str, str]:
    """(name, link, what is said of it) of one that is only named."""
    return (one.name, to_root + one.blob, _said(one)) if one.blob else (one.name, "", one.ended)


def _left_out(
    attachments: Sequence[Attachment],
) -> tuple[tuple[str, tuple[tuple[str, str], ...], int], ...]:
    """(why, the first of them with their sizes, how many), the reason of several said once."""
    by_reason: dict[str, list[tuple[str, str]]] = {}
    for one in attachments:
        if one.kind == LEFT_OUT and not one.ended:
            names = by_reason.setdefault(_cut(one.note, LONGEST_LINE), [])
            if one.name:
                size = words.size(one.source_size) if one.source_size else ""
                names.append((_cut(one.name, LONGEST_CELL), size))
    reasons = list(by_reason.items())[:MOST_REASONS]
    return tuple((why, tuple(names[:MOST_NAMED]), len(names)) for why, names in reasons)


def _weight(part: Part) -> int:
    cells = sum(weight(*row) + 10 * len(row) for row in part.rows)
    # What stands in an attribute is escaped as it is everywhere.
    return cells + 2 * weight(part.name, part.href) + weight(part.text, part.frame) + ROW_BYTES
