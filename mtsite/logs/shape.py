"""What most rules are made of: a shape that a line has, unless the line calls itself harmless.

A shape is RE2. What is said after `warning:` or `DEBUG` on a line, and what a line calls expected,
ignored or none (`0 errors`), is no failure: it is taken out before the shape is asked again.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from mtsite.logs.family import Family, Meaning
from mtsite.logs.rule import ERROR, Rule, Sighting, Window
from mtsite.regex import PatternSet, compile_bytes

HARMLESS = ""
"""The level of a line that a rule takes so that no other rule does: it is no finding."""

BEGIN = rb"(?:^|[ \t\]|>#])"
"""Where a message may begin on a line: at once, or after what a logger puts in front."""

Fold = Callable[[Window, int], int]
"""(window, where on its line the message begins) → how many lines more belong to it."""

_BEGINS = re.compile(rb"(?<![\[\\])\^")
_HARMLESS_SHAPES = (
    rb"\b(?:no|zero|without|not an|non-?fatal|expected|ignor(?:ed|ing)|tolerated|injected)"
    rb" +(?:\w+ )?(?:errors?|fail(?:ed|ures?)?|fatals?)\b:?",
    rb"\b0+ (?:\w+ )?(?:errors?|fail(?:ed|ures?|s)?|fatals?)\b",
    rb"\b(?:uvm_error|uvm_fatal|errors|fail|failed|failures|fails|fatals)"
    rb"(?: \w+)?[\"']?[ \t]*[:=][ \t]*[\"']?0+(?:$|[^\w.:])",
    rb"\b(?:error|fatal|critical|failure)[\"']?[ \t]*[:=][ \t]*[\"']?"
    rb"(?:0+|none|null|nil|false|n/a|\[\])[ \t]*(?:$|[,;)|}\"'])",
    rb"\b\w+_level[\"']?[ \t]*[:=][ \t]*[\"']?(?:error|critical|fatal)\b",
    rb"\berror \d+ \(ignored\)",
    rb"\b\d+ (?:errors?|failures?) (?:allowed|expected|tolerated|ignored|injected|max\w*)",
    rb"[ \t]OK, expected [^\r\n]*",
)
# From here on a line calls itself harmless: a warning, a debug dump, a test that passed.
_CALM = (
    rb"\b[Ww]arning:|\bWARNING:|TEST-(?:PASS|INFO|KNOWN-FAIL)\b"
    rb"|(?:^|[ \t\[<|])DEBUG(?:[ \t\]>:|]|$)"
)


def joined(shapes: tuple[bytes, ...], flags: bytes = b"m") -> bytes:
    """One expression for any of these."""
    return b"(?" + flags + b")" + b"|".join(b"(?:" + shape + b")" for shape in shapes)


_HARMLESS = re.compile(joined(_HARMLESS_SHAPES, b"mi"))
_CALM_FROM = re.compile(_CALM)
_EXCUSES = PatternSet((_CALM, joined(_HARMLESS_SHAPES, b"mi")))


def judged(line: bytes) -> bytes:
    """The part of a line that may speak of a failure; the very line when it has no excuse."""
    if not _EXCUSES.matching(line):
        return line
    calm = _CALM_FROM.search(line)
    return _HARMLESS.sub(b" ", line[: calm.start()] if calm else line)


class On(Struct, frozen=True):
    """Reads a line with this shape as a sighting of this level, with the lines of `fold`.

    `even_calm`: the line is taken even where it calls itself harmless. `told`: so many of the
    folded lines are added to the excerpt, since they say why. A group in the shape says where the
    message begins, behind what a logger wrote.
    """

    level: str
    shape: bytes
    fold: Fold | None = None
    even_calm: bool = False
    told: int = 0

    def __call__(self, window: Window) -> Sighting | None:
        """The line of a window, if it has the shape and no excuse."""
        line = window.line()
        pattern = compile_bytes(self.shape)
        found = pattern.search(line)
        if found is None:
            return None
        if not self.even_calm and (kept := judged(line)) is not line and not pattern.search(kept):
            return None
        width = max(found.start(1 if pattern.groups else 0), 0)
        more = self.fold(window, width) if self.fold else 0
        if not self.told:
            return Sighting(self.level, line, more)
        words = [line, *window.following(min(self.told, more))]
        return Sighting(self.level, b" ".join(filter(None, map(bytes.strip, words))), more)


def indented(limit: int, blanks: int = 0) -> Fold:
    """The lines that begin with a blank and go on with the message, across `blanks` empty ones."""

    def fold(window: Window, width: int) -> int:
        more = empty = 0
        for number, raw in enumerate(window.following(limit), start=1):
            body = raw[width:]
            if body[:1] in (b" ", b"\t") and body.strip():
                more, empty = number, 0
            elif not body.strip() and empty < blanks:
                empty += 1
            else:
                break
        return more

    return fold


def _of_lines(hint: bytes) -> bytes:
    return b"(?m)" + _BEGINS.sub(rb"(?:^|\r)", hint)


def family(
    name: str, edition: int, rules: tuple[Rule, ...], levels: Mapping[str, str] | None = None
) -> Family:
    """A family whose catalogue is that of its rules; `levels` are those that no `On` tells.

    In their hints `^` is the beginning of a line, whatever ended the line before.
    """
    known = levels or {}
    rules = tuple(rule._replace(hint=_of_lines(rule.hint)) for rule in rules)
    catalogue = tuple(
        Meaning(rule.name, level, rule.title, rule.help)
        for rule in rules
        if (level := known.get(rule.name, getattr(rule.read, "level", ERROR)))
    )
    return Family(name, edition, rules, catalogue)
