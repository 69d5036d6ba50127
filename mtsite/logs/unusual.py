"""Lines of a failing log that the last good log of the same test has not, the strangest first.

    both logs, in pieces → lines with digits run together → those that only the failing log has
    → the same, with times, paths, hex and numbers masked → ranked by how new their words are

Both are streamed, each once; memory is bounded by the kinds of lines kept. Order plays no part:
a step that came earlier than in the good log is not unusual.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from mtsite.facts import Unusual
from mtsite.logs import ansi
from mtsite.logs.blocks import SUFFIX, Block, BlockedText
from mtsite.logs.rule import masked_lines
from mtsite.logs.source import decode_line

HEAD_BYTES = 16 << 20
TAIL_BYTES = 48 << 20
"""Of a log that is larger than both together, these parts are compared."""

MOST_KINDS = 100_000
"""So many kinds of lines of each log are told apart."""

SHOWN = 40
LINE_BYTES = 1000
"""So much of a line is compared, and kept."""

LINE_CHARACTERS = 300
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_WORD = re.compile(r"\w+|#")
_ENOUGH_WORDS = 8

Piece = tuple[int, bytes]
"""The number of the first line of a piece of text, and the text: whole lines."""


class Candidate(NamedTuple):
    """A line as it stands: where it is first, and how many are like it."""

    number: int
    raw: bytes
    like: int


def unusual_lines(failing: Path, good: Path, log: str, run: str) -> Unusual:
    """What is unusual in a stored log against a good one, of the run of that name.

    Raises:
        FileNotFoundError: one of them is not in this site.
        DamagedLogError: one of them is not what was stored.
    """
    cut = _Cut()
    kinds = _kinds(_pieces(failing, cut), cut)
    lines = _seen(_pieces(good, cut), kinds, cut)
    seen = dict.fromkeys(_masked(lines)) if kinds else {}
    ranked = _ranked(_masked_away(kinds.values(), seen), seen)
    return Unusual(
        log=log,
        run=run,
        good=good.stem,
        total=len(ranked),
        lines=tuple((one.number, _shown(one.raw), one.like) for one in ranked[:SHOWN]),
        note=cut.note,
    )


class _Cut:
    """What was left out on the way, in words."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}

    def add(self, note: str) -> None:
        self._notes[note] = None

    @property
    def note(self) -> str:
        return "; ".join(self._notes)


def _pieces(path: Path, cut: _Cut) -> Iterator[Piece]:
    """The text of a blob in pieces, without escapes; a very large one with a gap."""
    if path.suffix != SUFFIX:
        yield 1, _plain(path.read_bytes())
        return
    text = BlockedText(path)
    kept = set(_kept(text.blocks))
    if len(kept) < len(text.blocks):
        sizes = f"first {HEAD_BYTES >> 20} MiB and the last {TAIL_BYTES >> 20} MiB"
        cut.add(f"only the {sizes} of each log were compared")
    for at in sorted(kept):
        block = text.blocks[at]
        content = text.text_of(block)
        if block.goes_on:
            # The rest of a line of which the beginning was compared.
            content = content[len(content.splitlines(keepends=True)[0]) :] if content else b""
        yield block.first, _plain(content)


def _kept(blocks: Iterable[Block]) -> Iterator[int]:
    listed = list(blocks)
    for order, room in ((range(len(listed)), HEAD_BYTES), (range(len(listed))[::-1], TAIL_BYTES)):
        for at in order:
            room -= listed[at].size
            if room < 0:
                break
            yield at


def _plain(text: bytes) -> bytes:
    return ansi.strip(text) if b"\x1b" in text else text


def _quick(text: bytes) -> bytes:
    """The text with each number as one 0: lines that differ in nothing else become equal."""
    text = text.translate(_ZEROS)
    while b"00" in text:
        text = text.replace(b"0000", b"0").replace(b"00", b"0")
    return text


def _kinds(pieces: Iterator[Piece], cut: _Cut) -> dict[bytes, Candidate]:
    """The kinds of lines of the failing log, each with its first line."""
    found: dict[bytes, Candidate] = {}
    for first, text in pieces:
        raw = text.splitlines()
        for at, quick in enumerate(_quick(text).splitlines()):
            key = quick[:LINE_BYTES]
            old = found.get(key)
            if old is not None:
                found[key] = Candidate(old.number, old.raw, old.like + 1)
            elif len(found) < MOST_KINDS:
                found[key] = Candidate(first + at, raw[at][:LINE_BYTES], 1)
            else:
                cut.add(f"after {MOST_KINDS:,} kinds of lines the rest was left out")
    return found


def _seen(pieces: Iterator[Piece], kinds: dict[bytes, Candidate], cut: _Cut) -> list[bytes]:
    """A line of each kind of the good log; these kinds are taken out of `kinds`."""
    seen: dict[bytes, bytes] = {}
    for _, text in pieces:
        raw = text.splitlines()
        for at, quick in enumerate(_quick(text).splitlines()):
            key = quick[:LINE_BYTES]
            kinds.pop(key, None)
            if key not in seen:
                if len(seen) < MOST_KINDS:
                    seen[key] = raw[at][:LINE_BYTES]
                else:
                    cut.add("of the good log not every kind of line is known")
    return list(seen.values())


def _masked_away(kinds: Iterable[Candidate], seen: Iterable[str]) -> dict[str, Candidate]:
    """What is left when the rest of what differs from run to run is masked, too."""
    candidates = sorted(kinds)
    left: dict[str, Candidate] = {}
    masks = _masked([one.raw for one in candidates])
    for masked, one in zip(masks, candidates, strict=True):
        old = left.get(masked)
        left[masked] = old._replace(like=old.like + one.like) if old else one
    for masked in ("", *seen):
        left.pop(masked, None)
    return left


def _masked(lines: Sequence[bytes]) -> list[str]:
    if not lines:
        return []
    return masked_lines(b"\n".join(lines).decode("utf-8", "replace"))


def _ranked(left: dict[str, Candidate], seen: Iterable[str]) -> list[Candidate]:
    """The strangest first: the more of its pairs of words are new, the stranger is a line."""
    pairs = {masked: _pairs(masked) for masked in left}
    new = set().union(*pairs.values())
    for masked in seen:
        if not new:
            break
        new.difference_update(_pairs(masked))
    strange = {masked: _strangeness(pairs[masked], new) for masked in left}
    order = sorted(left, key=lambda masked: (-strange[masked], left[masked].number))
    return [left[masked] for masked in order]


def _pairs(masked: str) -> set[tuple[str, str]]:
    return set(pairwise(["", *_WORD.findall(masked), ""]))


def _strangeness(pairs: set[tuple[str, str]], new: set[tuple[str, str]]) -> float:
    """A share of new pairs, more for a line of many words: one odd word may be any name.

    What calls itself an error has no advantage: findings are listed already.
    """
    words = min(len(pairs) - 1, _ENOUGH_WORDS) / _ENOUGH_WORDS
    return round(len(pairs & new) / len(pairs) * (0.5 + words), 6)


def _shown(raw: bytes) -> str:
    return decode_line(raw)[0].strip()[:LINE_CHARACTERS]
