"""Pictures of each form, made by hand, with what cameras and programs add to them."""

import struct
import zlib

PLACE = b"GPS 52.5200N 13.4050E password=hunter2"


def png(width: int = 40, height: int = 30, extra: bytes = b"", tail: bytes = b"") -> bytes:
    """One of a single grey; `extra` is text in it, `tail` what follows its end."""
    rows = zlib.compress((b"\0" + b"\x80" * width) * height) if width * height < 10**7 else b"x"
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header)]
    if extra:
        chunks += [_chunk(b"tEXt", b"Comment\0" + extra), _chunk(b"eXIf", b"MM\0*" + extra)]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*chunks, _chunk(b"IDAT", rows), _chunk(b"IEND")]) + tail


def _chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def jpeg(width: int = 40, height: int = 30, turned: int = 1, tail: bytes = b"") -> bytes:
    """Its segments, one of EXIF with a place among them; no browser could show its one scan."""
    row = struct.pack("<HHIHH", 0x0112, 3, 1, turned, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + row + bytes(4) + PLACE
    parts = (
        (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
        (0xE1, exif),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PLACE),
        (0xED, b"Photoshop 3.0\0" + PLACE),
        (0xE2, b"ICC_PROFILE\0colours"),
        (0xFE, PLACE),
        (0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"),
        (0xDA, b"\1\1\0\0\x3f\0"),
    )
    segments = b"".join(
        bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body for marker, body in parts
    )
    return b"\xff\xd8" + segments + b"scan\xff\0data\xff\xd9" + tail


def gif(width: int = 40, height: int = 30, tail: bytes = b"") -> bytes:
    """One frame that loops, with a comment."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    loop = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    comment = b"!\xfe" + bytes([len(PLACE)]) + PLACE + b"\0"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\0"
    return head + loop + comment + frame + b";" + tail


def webp(width: int = 40, height: int = 30, tail: bytes = b"") -> bytes:
    """A container with a lossless picture, EXIF and XMP."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14)
    chunks = (
        (b"VP8X", b"\x0c\0\0\0" + canvas),
        (b"VP8L", b"/" + bits + b"pixels"),
        (b"EXIF", PLACE),
        (b"XMP ", PLACE),
    )
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(each)) + each + b"\0" * (len(each) & 1)
        for kind, each in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body + tail


def avif(
    width: int = 40,
    height: int = 30,
    item: bytes = b"av01",
    extra: bytes = PLACE,
    turned: bytes = b"",
) -> bytes:
    """A picture as one item; `item` is the type of an item, `extra` lies in a box of its own.

    `turned` are properties of it beside its size, each a box, and of nothing else.
    """
    ispe = box(b"ispe", bytes(4) + struct.pack(">II", width, height))
    infe = box(b"infe", b"\2\0\0\0\0\1\0\0" + item + b"\0")
    iinf = box(b"iinf", bytes(4) + b"\0\1" + infe)
    more = turned.count(b"irot") + turned.count(b"imir")
    has = struct.pack(">HB", 1, 1 + more) + bytes(0x80 | (2 + each) for each in range(-1, more))
    # Another item has the size alone.
    ipma = box(b"ipma", bytes(4) + struct.pack(">I", 2) + struct.pack(">HBB", 2, 1, 1) + has)
    iprp = box(b"iprp", box(b"ipco", ispe + turned) + ipma)
    meta = box(b"meta", bytes(4) + box(b"pitm", bytes(4) + b"\0\1") + iinf + iprp)
    free = box(b"uuid", extra)
    return box(b"ftyp", b"avif\0\0\0\0mif1") + meta + free + box(b"mdat", b"pixels")


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


EVERY = {"PNG": png, "JPEG": jpeg, "GIF": gif, "WebP": webp, "AVIF": avif}
