"""The numbered lines of a log as HTML: whole when short, else the parts worth seeing.

Each line is one element with the anchor `L<n>` and its number as a link to itself; numbers are
those of `logs.source.split_lines` in every view. What is left out is said where it is left out.
All text is escaped here, so this file and `markdown.py` alone return `Markup`.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.structs import replace

from mtsite.logs.ansi import ESC, to_spans
from mtsite.logs.blocks import Cut
from mtsite.logs.levels import NONE, RANKS, runs
from mtsite.logs.lines import Lines, PlainLines
from mtsite.logs.source import Content, decode_line, split_lines, split_lines_keeping_ends
from mtsite.model import Finding
from mtsite.pages import words

LINE_BYTES = 10_000
"""A longer line is cut, with a notice."""

HEAVY_BYTES = 1 << 20
"""Where the lines to show hold more than that together, each is cut after SHORT_BYTES."""

SHORT_BYTES = 600

_HEAVY_PAGE = 90_000
"""Pieces whose HTML is longer have but _LEAST_AROUND lines around each finding."""

_LEAST_AROUND = 2
_HEAVY_PIECES = 50_000
"""The same where a page shows pieces of a log: it is to stay light."""

FOLD_FROM = 3
"""So many states that a carriage return wrote over are folded away."""

_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"
_C1 = re.compile("[\x80-\x9f]")
_LEVELS = {"WARNING": "hit-warning", "CRITICAL": "hit-critical"}
LEVEL_CLASSES = {level: f"lv-{level.lower()}" for level in RANKS} | {NONE: ""}
_CLASSES = re.compile(' class="([^"]*)"')
_CLOSE = "</div>\n"
_CACHED = 2000

Ranges = list[tuple[int, int]]


class Shown(Struct, frozen=True):
    """How much of a log stands on its page: all lines below `whole_below`, else `head` and `tail`
    and `around` lines on both sides of each finding (of a warning none), of which at most `longest`
    lines, and those in `lines`.
    """

    whole_below: int = 2000
    head: int = 20
    tail: int = 40
    around: int = 5
    longest: int = 25
    lines: tuple[int, ...] = ()


DEFAULT = Shown()


def no_part(line: int) -> str:
    """No page has the lines from this one on."""
    return ""


class Links(Struct, frozen=True):
    """Where the rest is: the stored text, and the page that has a line ('' where none has it)."""

    raw: str
    part: Callable[[int], str] = no_part


def log_lines(
    content: Content | Lines,
    findings: Sequence[Finding],
    *,
    links: Links,
    shown: Shown = DEFAULT,
    levels: bool | str = False,
) -> Markup:
    """The lines of a redacted log; `links` lead to what is left out.

    With `levels` each line has the class of its level; a name: that is the level of all of them.
    """
    text = PlainLines(content) if isinstance(content, Content) else content
    total = text.lines
    wanted = [(1, total)] if total < shown.whole_below else _ranges(total, findings, shown)
    parts = _cut_out(text, wanted, findings, links, levels=levels)
    pieces = []
    above = 0
    for (first, last), part in zip(wanted, parts, strict=True):
        pieces += [_gap(above, first, links), part]
        above = last
    pieces.append(_gap(above, total + 1, links))
    made = Markup("".join(pieces))
    if len(made) > _HEAVY_PAGE and total >= shown.whole_below and shown.around > _LEAST_AROUND:
        less = replace(shown, around=_LEAST_AROUND)
        return log_lines(text, findings, links=links, shown=less, levels=levels)
    return made


def some_lines(
    text: Lines, span: tuple[int, int], findings: Sequence[Finding], raw: str, *, levels: bool
) -> Markup:
    """Lines from first to last (both included) of a log, as they stand on its page."""
    return Markup("".join(_cut_out(text, [span], findings, Links(raw), levels=levels)))


def _cut_out(
    text: Lines, wanted: Ranges, findings: Sequence[Finding], links: Links, *, levels: bool | str
) -> list[str]:
    cuts = [text.cut(first, last) for first, last in wanted]
    heavy = HEAVY_BYTES if len(wanted) == 1 else _HEAVY_PIECES
    style = _Style(
        _marks(findings),
        str(escape(links.raw)),
        any(b"\n" in cut.text for cut in cuts),
        levels,
        LINE_BYTES if sum(len(cut.text) for cut in cuts) <= heavy else SHORT_BYTES,
    )
    parts = []
    for (first, _), cut in zip(wanted, cuts, strict=True):
        before = text.level_before(first) if levels is True and first > 1 else NONE
        parts.append("".join(_lines(cut, first, style, before)))
    return parts


def _ranges(total: int, findings: Iterable[Finding], shown: Shown) -> Ranges:
    """First and last lines of the parts to show: in order, apart, within the log."""
    wanted = [(1, shown.head), (total - shown.tail + 1, total)]
    wanted += [(line, line) for line in shown.lines]
    for finding in findings:
        last = min(finding.last_line, finding.first_line + shown.longest)
        around = 0 if finding.level.upper() == "WARNING" else shown.around
        wanted.append((finding.first_line - around, last + around))
    ranges: Ranges = []
    for first, last in sorted((max(1, a), min(total, b)) for a, b in wanted):
        if first > last:
            continue
        if ranges and first <= ranges[-1][1] + 2:
            ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
        else:
            ranges.append((first, last))
    return ranges


def _gap(above: int, below: int, links: Links) -> str:
    hidden = below - above - 1
    if hidden <= 0:
        return ""
    part = links.part(above + 1)
    link, where = (part, "read on here") if part else (links.raw, "the raw log has them")
    return (
        f'<p class="log-gap" data-from="{above + 1}" data-to="{below - 1}">'
        f'… {words.number(hidden)} lines not shown here, <a href="{escape(link)}">{where}</a></p>\n'
    )


def _marks(findings: Iterable[Finding]) -> dict[int, str]:
    """Line → classes, for the lines of findings; the first line of each says that it is."""
    marks: dict[int, str] = {}
    for finding in findings:
        level = _LEVELS.get(finding.level, "hit-error")
        marks[finding.first_line] = f"{level} hit-first"
        for line in range(finding.first_line + 1, finding.last_line + 1):
            marks.setdefault(line, level)
    return marks


class _Style(NamedTuple):
    """What the lines of one log share: classes of marked lines, the link to its text."""

    marks: Mapping[int, str]
    link: str
    fold: bool
    levels: bool | str
    longest: int


def _lines(cut: Cut, first: int, style: _Style, level: str) -> Iterator[str]:
    """Consecutive lines, of which the first has the number `first`; `level` is that before it."""
    block = cut.text
    texts = _texts(cut, first, style)
    if not texts:
        return
    marks = style.marks
    if style.levels is True:
        opens = _level_opens(block, first, level)
    else:
        opens = _opens(first, len(texts), LEVEL_CLASSES[style.levels] if style.levels else "")
    for line in marks.keys() & range(first, first + len(texts)):
        classes = _CLASSES.search(opens[line - first]) if style.levels else None
        opens[line - first] = _open(line, f"{classes[1]} {marks[line]}" if classes else marks[line])
    if style.fold and b"\r" in block:
        _fold_progress(block, first, opens, marks)
    pieces = [""] * (2 * len(texts))
    pieces[0::2] = opens
    pieces[1::2] = texts
    pieces[0] = pieces[0].removeprefix(_CLOSE)
    yield "".join(pieces)
    yield _CLOSE


def _open(line: int, classes: str = "") -> str:
    marked = f' class="{classes}"' if classes else ""
    return f"{_CLOSE}<div id=L{line}{marked}><a href=#L{line}>{line}</a>"


def _level_opens(block: bytes, first: int, level: str) -> list[str]:
    opens: list[str] = []
    for one, number in runs(block, level):
        start = first + len(opens)
        opens += _opens(start, number, LEVEL_CLASSES[one])
    return opens


@functools.cache
def _first_opens(classes: str) -> tuple[str, ...]:
    return tuple(_open(line, classes) for line in range(1, _CACHED + 1))


def _opens(first: int, number: int, classes: str = "") -> list[str]:
    if first + number - 1 <= _CACHED:
        return list(_first_opens(classes)[first - 1 : first - 1 + number])
    return [_open(line, classes) for line in range(first, first + number)]


def _texts(cut: Cut, first: int, style: _Style) -> list[str]:
    """The text of each line as HTML."""
    block = cut.text
    lines = split_lines(block)
    if _is_plain(block) and max(map(len, lines), default=0) <= style.longest:
        try:
            text = block.decode()
        except UnicodeDecodeError:
            text = "\x80"
        if text.isascii() or not _C1.search(text):
            texts = str(escape(text)).split("\n")
            return texts[:-1] if block.endswith(b"\n") else texts
    hidden = cut.hidden
    return [_text(line, hidden.get(i, 0), style) for i, line in enumerate(lines, first)]


def _is_plain(block: bytes) -> bool:
    """Whether all lines end in LF alone and hold no control character but tabs."""
    return b"\r" not in block and len(block.translate(None, _CONTROLS)) == len(block) > 0


def _text(raw: bytes, hidden: int, style: _Style) -> str:
    cut = ""
    if len(raw) > style.longest:
        end = style.longest
        while end > style.longest - 4 and raw[end] & 0xC0 == 0x80:
            end -= 1
        more = words.number(len(raw) + hidden - end)
        cut = (
            f'<em class="log-cut">… {more} bytes more of this line in'
            f' <a href="{style.link}">the raw log</a></em>'
        )
        raw = raw[:end]
    text = decode_line(raw)[0]
    if ESC not in text:
        return str(escape(text)) + cut
    return "".join(_span(classes, piece) for classes, piece in to_spans(text)) + cut


def _span(classes: str, text: str) -> str:
    escaped = str(escape(text))
    return f'<span class="{classes}">{escaped}</span>' if classes else escaped


def _fold_progress(block: bytes, first: int, opens: list[str], marks: Mapping[int, str]) -> None:
    """Fold states that were written over into one `<details>` above the last, which stays."""
    ends = [line.endswith(b"\r") for line in split_lines_keeping_ends(block)]
    ends[-1] = False
    start = 0
    while start < len(ends):
        stop = start
        while ends[stop]:
            stop += 1
        if stop - start >= FOLD_FROM:
            lines = range(first + start, first + stop)
            opened = " open" if marks.keys() & lines else ""
            states = words.number(stop - start)
            summary = (
                f"<details class=log-fold{opened}><summary>{states} earlier states"
                f" of line {first + stop}</summary>\n"
            )
            opens[start] = _CLOSE + summary + opens[start].removeprefix(_CLOSE)
            opens[stop] = _CLOSE + "</details>\n" + opens[stop].removeprefix(_CLOSE)
        start = stop + 1
