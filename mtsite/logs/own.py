"""The site's own rules: asked before all families, they name, grade or silence a line."""

import re
from urllib.parse import quote

from msgspec import Struct

from mtsite.logs.rule import Rule, Sighting, Window
from mtsite.regex import Match, compile_bytes

PREFIX = "site/"
IGNORE = "ignore"

_GROUP = re.compile(r"\{([0-9])\}")
# Two rules may use one group name; in the joined expression it would stand twice.
_GROUP_NAME = re.compile(rb"(?<!\\)\(\?P?<\w+>")


class OwnReader(Struct, frozen=True):
    """Takes the lines that match; level '' takes them silently."""

    level: str
    pattern: bytes
    link: str

    def __call__(self, window: Window) -> Sighting | None:
        """The line of a window, with the link that its groups fill."""
        line = window.line()
        found = compile_bytes(self.pattern).search(line)
        if found is None:
            return None
        return Sighting(self.level, line, link=_filled(self.link, line, found))


def own_rule(name: str, regex: str, level: str, title: str = "", link: str = "") -> Rule:
    """The rule `site/NAME`; `level` is critical, error, warning or ignore.

    The configuration has checked that `regex` is RE2 and matches no empty text, and that `link` is
    a template of a web or mail address.
    """
    pattern = _GROUP_NAME.sub(b"(", regex.encode())
    reader = OwnReader("" if level == IGNORE else level.upper(), pattern, link)
    return Rule(PREFIX + name, b"(?m)" + _of_lines(pattern), reader, title, "", link)


def _filled(link: str, line: bytes, found: Match) -> str:
    """The address with what matched in place of {0}, {1} …, as one part of a path or query."""

    def part(number: re.Match[str]) -> str:
        start, end = found.start(int(number[1])), found.end(int(number[1]))
        return quote(line[start:end], safe="") if start >= 0 else ""

    return _GROUP.sub(part, link)


_PIECE = re.compile(
    rb"(?P<kept>\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])|(?P<end>[$^])",
    re.DOTALL,
)
"""What is copied as it is: quoted text, an escape, a class; and the two that mean ends of lines."""


def _of_lines(pattern: bytes) -> bytes:
    """The pattern with ^ and $ for any beginning and end of a line, a lone CR's included."""
    return _PIECE.sub(
        lambda piece: rb"(?:%b|\r)" % piece["end"] if piece["end"] else piece["kept"], pattern
    )
