"""Pictures by their content: what they are, how large, and their bytes without what cameras add.

Only the parts that make the picture are kept, in the order of the file; comments, EXIF with its
places and times, XMP and all that follows the picture's end go. So a file that is a picture and a
page at once is only a picture afterwards. Nothing is unpacked: sizes are read from headers.

PNG: W3C PNG 3; JPEG: ITU-T T.81; GIF: 89a; WebP: RFC 9649; AVIF: ISO/IEC 14496-12 and 23008-12.
"""

import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

MOST_PIXELS = 50_000_000
LONGEST_SIDE = 16_384
"""A browser takes four bytes for each pixel; many refuse a longer side."""

MOST_ITEMS = 4_096
"""Of an AVIF; the one that is shown comes first."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT cICP bKGD pHYs acTL fcTL fdAT".split()
)
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"ICCP"))
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_BRANDS = (b"avif", b"avis")
_AVIF_KEPT = frozenset(b"hdlr pitm iloc iinf iref iprp idat dinf grpl".split())


class Picture(NamedTuple):
    """A picture that may be shown; sizes are as a browser shows it, turned where it says so."""

    form: str
    width: int
    height: int
    content: bytes

    @property
    def is_huge(self) -> bool:
        """Whether unpacking it would take a browser more memory than a page is worth."""
        return self.width * self.height > MOST_PIXELS or max(self[1:3]) > LONGEST_SIDE


def form_of(head: bytes) -> str:
    """PNG, JPEG, GIF, WebP or AVIF by the first 16 bytes or more; '' for anything else."""
    if head.startswith(_PNG):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return "AVIF" if head[4:8] == b"ftyp" and head[8:12] in _BRANDS else ""


def read_picture(content: bytes) -> Picture:
    """The picture in a file's content.

    Raises:
        ValueError: it is none that can be shown safely; says why.
    """
    form = form_of(content)
    try:
        width, height, kept = _READERS[form](content)
    except (KeyError, IndexError, struct.error):
        raise ValueError("its header can't be read") from None
    if not width or not height:
        raise ValueError("it says nothing of its size")
    return Picture(form, width, height, kept)


def _png(content: bytes) -> tuple[int, int, bytes]:
    if content[8:16] != b"\0\0\0\rIHDR":
        raise ValueError("its header can't be read")
    width, height = struct.unpack_from(">II", content, 16)
    kept = [_PNG]
    at = len(_PNG)
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        # One that breaks off is kept as far as it goes: browsers show that part.
        if kind in _PNG_KEPT:
            kept.append(content[at : at + 12 + size])
        at += 12 + size
        if kind == b"IEND":
            break
    return width, height, b"".join(kept)


def _jpeg(content: bytes) -> tuple[int, int, bytes]:
    width = height = 0
    turned = 1
    kept = [b"\xff\xd8"]
    at = 2
    while (found := _MARKER.search(content, at)) is not None:
        start, marker = found.start(), content[found.end() - 1]
        if marker == 0xD9:
            kept.append(b"\xff\xd9")
            break
        (size,) = struct.unpack_from(">H", content, start + 2)
        segment = content[start : start + 2 + size]
        at = start + 2 + size
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", segment, 5)
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            turned = _orientation(segment[10:])
            kept += [_turned(turned)] if turned > 1 else []
        elif marker == 0xDA:
            kept.append(segment)
            scan = _MARKER.search(content, at)
            end = scan.start() if scan else len(content)
            kept.append(content[at:end])
            at = end
        elif _is_kept(marker, segment):
            kept.append(segment)
    return (height, width, b"".join(kept)) if turned > 4 else (width, height, b"".join(kept))


def _is_kept(marker: int, segment: bytes) -> bool:
    """Whether a segment makes the picture: tables, frames, and what says how colours are meant."""
    if 0xE0 <= marker <= 0xEF:
        says = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}.get(marker)
        return says is not None and segment[4:].startswith(says)
    return marker != 0xFE


def _orientation(exif: bytes) -> int:
    """How a camera was held (TIFF tag 0x0112), 1 to 8; 1 where it doesn't say."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, first)
        for number in range(min(count, 200)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, first + 2 + 12 * number)
            if (tag, kind) == (0x0112, 3):
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _turned(orientation: int) -> bytes:
    """An EXIF segment that says nothing else."""
    row = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + row + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif


def _gif(content: bytes) -> tuple[int, int, bytes]:
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    at = 13 + _colours(flags)
    kept = [content[:at]]
    while at < len(content) and content[at] in b"!,":
        start = at
        if content[at] == 0x2C:
            at += 10 + _colours(content[at + 9]) + 1
            at = _blocks_end(content, at)
            kept.append(content[start:at])
            continue
        label = content[at + 1]
        at = _blocks_end(content, at + 2)
        loops = label == 0xFF and content[start + 3 : start + 14] in _LOOPS
        if label == 0xF9 or loops:
            kept.append(content[start:at])
    return width, height, b"".join((*kept, b";"))


def _colours(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks_end(content: bytes, at: int) -> int:
    while at < len(content) and content[at]:
        at += 1 + content[at]
    return at + 1


def _webp(content: bytes) -> tuple[int, int, bytes]:
    size = 0, 0
    kept = []
    for kind, body in _chunks(content):
        if kind not in _WEBP_KEPT:
            continue
        if kind == b"VP8X":
            # Nothing is left of EXIF and XMP that it would announce.
            body = bytes([body[0] & ~0x0C]) + body[1:10]
            size = _three(body, 4) + 1, _three(body, 7) + 1
        elif kind == b"VP8 " and size == (0, 0):
            width, height = struct.unpack_from("<HH", body, 6)
            size = width & 0x3FFF, height & 0x3FFF
        elif kind == b"VP8L" and size == (0, 0):
            (bits,) = struct.unpack_from("<I", body, 1)
            size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        kept.append(kind + struct.pack("<I", len(body)) + body + bytes(len(body) & 1))
    whole = b"WEBP" + b"".join(kept)
    return *size, b"RIFF" + struct.pack("<I", len(whole)) + whole


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    (announced,) = struct.unpack_from("<I", content, 4)
    at, end = 12, min(len(content), announced + 8)
    while at + 8 <= end:
        kind, size = struct.unpack_from("<4sI", content, at)
        yield kind, content[at + 8 : min(at + 8 + size, end)]
        at += 8 + size + (size & 1)


def _three(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 3], "little")


def _avif(content: bytes) -> tuple[int, int, bytes]:
    sizes = [(0, 0)]
    turned = False
    kept = bytearray(content)
    for kind, start, body, end in _boxes(content, 0, len(content)):
        if kind == b"meta":
            _refuse_extras(content, body + 4, end)
            sizes += _image_sizes(content, (body + 4, end))
            turned = _is_on_its_side(content, (body + 4, end))
        elif kind not in (b"ftyp", b"mdat"):
            # Items say where in the file their bytes lie: what goes leaves as much room.
            kept[start + 4 : start + 8] = b"free"
            kept[body:end] = bytes(end - body)
    width, height = max(sizes, key=math.prod)
    return (height, width, bytes(kept)) if turned else (width, height, bytes(kept))


def _refuse_extras(content: bytes, start: int, end: int) -> None:
    """EXIF and XMP lie among the picture's own bytes here."""
    for kind, _, body, stop in _boxes(content, start, end):
        items = content[body:stop] if kind == b"iinf" else b""
        if kind not in _AVIF_KEPT or any(extra in items for extra in (b"Exif", b"mime", b"uri ")):
            raise ValueError("its EXIF or XMP can't be taken out")


def _image_sizes(
    content: bytes, place: tuple[int, int], way: tuple[bytes, ...] = (b"iprp", b"ipco")
) -> Iterator[tuple[int, int]]:
    for body, _ in _at(content, place, (*way, b"ispe")):
        width, height = struct.unpack_from(">II", content, body + 4)
        yield width, height


def _at(
    content: bytes, place: tuple[int, int], way: tuple[bytes, ...]
) -> Iterator[tuple[int, int]]:
    """(start, end) of the bodies of the boxes that lie on a way through boxes."""
    for kind, _, body, stop in _boxes(content, *place):
        if kind == way[0]:
            if way[1:]:
                yield from _at(content, (body, stop), way[1:])
            else:
                yield body, stop


def _is_on_its_side(content: bytes, meta: tuple[int, int]) -> bool:
    """Whether the item that is shown is turned by 90 or 270 degrees; a mirror changes no side."""
    turns = [
        kind == b"irot" and content[body] & 1 == 1
        for place in _at(content, meta, (b"iprp", b"ipco"))
        for kind, _, body, _ in _boxes(content, *place)
    ]
    shown = [
        _item(content, body + 4, wide=content[body] > 0)
        for body, _ in _at(content, meta, (b"pitm",))
    ]
    return any(
        item in shown and 0 < index <= len(turns) and turns[index - 1]
        for place in _at(content, meta, (b"iprp", b"ipma"))
        for item, index in _properties(content, *place)
    )


def _properties(content: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """(item, number of a property that it has, from 1 on)."""
    wide_item, wide_index = content[at] > 0, content[at + 3] & 1 == 1
    (items,) = struct.unpack_from(">I", content, at + 4)
    at += 8
    for _ in range(min(items, MOST_ITEMS)):
        if at >= end:
            return
        item = _item(content, at, wide=wide_item)
        at += 4 if wide_item else 2
        count = content[at]
        at += 1
        for _ in range(count):
            # The first bit says whether a reader must know the property.
            index = _item(content, at, wide=False) & 0x7FFF if wide_index else content[at] & 0x7F
            yield item, index
            at += 2 if wide_index else 1


def _item(content: bytes, at: int, *, wide: bool) -> int:
    return int(struct.unpack_from(">I" if wide else ">H", content, at)[0])


def _boxes(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """(kind, start, start of the body, end) of the boxes that lie there."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", content, at)
        if size < 8 or at + size > end:
            if size != 0:
                raise ValueError("a part of it is longer than the file")
            size = end - at
        yield kind, at, at + 8, at + size
        at += size


_READERS: Mapping[str, Callable[[bytes], tuple[int, int, bytes]]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "GIF": _gif,
    "WebP": _webp,
    "AVIF": _avif,
}
