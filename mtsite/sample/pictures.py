"""Eye diagrams of a sample's DDR training: a small PNG and its numbers, by what was measured."""

import math
import struct
import zlib
from collections.abc import Sequence
from random import Random

from mtsite.sample.measures import SampleDatum

WIDTH, HEIGHT = 320, 200
TRACES = 48
PALETTE = (0xFFFFFF, 0xE4EEF7, 0xA9C9E8, 0x5B96CC, 0x1F5F9F, 0x0B2E55, 0xB4281C)
"""White paper, traces from thin to dense, and the mask that they must not touch."""


def eye_files(values: Sequence[SampleDatum], random: Random) -> dict[str, bytes]:
    """Name → content of what a training leaves beside its log; nothing without an eye."""
    eye = {one.variable: one.value for one in values if one.category == "eye"}
    width, height = eye.get("width"), eye.get("height")
    if not isinstance(width, float) or not isinstance(height, float):
        return {}
    traces = [_trace(width, height, random) for _ in range(TRACES)]
    return {"plots/eye.png": _picture(traces), "plots/eye.csv": _table(traces)}


def _trace(width: float, height: float, random: Random) -> list[float]:
    """Millivolts over two unit intervals: a bit before, the eye's, and one after."""
    bits = [random.choice((-1.0, 1.0)) for _ in range(4)]
    jitter = random.gauss(0, (1 - min(width, 0.9)) / 9)
    noise = random.gauss(0, 9)
    swing = height * 1.25
    values = []
    for x in range(WIDTH):
        at = 2 * x / WIDTH + 1 + jitter
        left = min(max(int(at), 0), 2)
        step = min(max((at - left - 0.5) * 4, -1.0), 1.0)
        part = 0.5 + 0.5 * math.sin(step * math.pi / 2)
        level = bits[left] * (1 - part) + bits[left + 1] * part
        values.append(swing * level + noise)
    return values


def _row(millivolts: float) -> int:
    return min(max(round(HEIGHT / 2 - millivolts * HEIGHT / 420), 0), HEIGHT - 1)


def _picture(traces: Sequence[Sequence[float]]) -> bytes:
    pixels = [bytearray(WIDTH) for _ in range(HEIGHT)]
    for trace in traces:
        before = _row(trace[0])
        for x, value in enumerate(trace):
            at = _row(value)
            for y in range(min(before, at), max(before, at) + 1):
                pixels[y][x] = min(pixels[y][x] + 1, 5)
            before = at
    for x in range(WIDTH * 3 // 8, WIDTH * 5 // 8):
        reach = 18 - abs(x - WIDTH // 2) * 18 // (WIDTH // 8)
        for y in (HEIGHT // 2 - reach, HEIGHT // 2 + reach):
            pixels[y][x] = 6
    return png(pixels)


def png(pixels: Sequence[bytearray]) -> bytes:
    """A picture of these rows of indices into the palette."""
    colours = b"".join(colour.to_bytes(3, "big") for colour in PALETTE)
    header = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 3, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row for row in pixels), 9)
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _table(traces: Sequence[Sequence[float]]) -> bytes:
    lines = ["time [UI],lowest one [mV],highest zero [mV],opening [mV]"]
    for x in range(0, WIDTH, 8):
        ones = [trace[x] for trace in traces if trace[x] > 0]
        zeros = [trace[x] for trace in traces if trace[x] <= 0]
        low, high = min(ones, default=0.0), max(zeros, default=0.0)
        lines.append(f"{2 * x / WIDTH:.3f},{low:.1f},{high:.1f},{low - high:.1f}")
    return ("\n".join(lines) + "\n").encode()
