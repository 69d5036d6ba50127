"""One pass over a log: hints of all rules over the whole buffer, rules on the lines chosen."""

import functools
import html
import re
from collections.abc import Sequence

from mtsite.logs import ansi
from mtsite.logs.pattern import Pattern, compile_bytes
from mtsite.logs.rule import EXCERPT_CHARACTERS, Rule, Sighting, Window, masked_hash
from mtsite.logs.severity import RULES
from mtsite.logs.source import count_ends, decode_line, next_line
from mtsite.model import Finding

SHOWN = 20
"""So many findings are kept; the rest is counted."""

_HTML = re.compile(rb"[\s\xef\xbb\xbf]*<(?:!doctype html|html)\b", re.IGNORECASE)
_TAG = re.compile(rb"<[/!]?[A-Za-z-][^<>\r\n]*>")


def scan(content: bytes, rules: Sequence[Rule] = RULES) -> tuple[list[Finding], int]:
    """The first findings in the order of lines, and the true number of all.

    Lines count as in `source.split_lines`; escapes inside a line hide nothing, nor do the tags of
    an HTML log. A line belongs to one finding: the first rule that takes it wins.
    """
    content = ansi.strip(content)
    marked_up = _HTML.match(content) is not None
    if marked_up:
        content = _TAG.sub(b"", content)
    hints = _joined(tuple(rule.hint for rule in rules))
    findings: list[Finding] = []
    total, number, at = 0, 1, 0
    while (match := hints.search(content, at)) is not None:
        window = _window(content, at, match.start())
        number += count_ends(content, at, window.start)
        rule, seen = _first_sighting(rules, window)
        at, lines = window.after, 1
        if seen is not None:
            total += 1
            if len(findings) < SHOWN:
                findings.append(_finding(rule.name, seen, number, marked_up=marked_up))
            for _ in range(seen.more_lines):
                at, lines = next_line(content, at)[1], lines + 1
        number += lines
    return findings, total


def _first_sighting(rules: Sequence[Rule], window: Window) -> tuple[Rule, Sighting | None]:
    for rule in rules:
        if (seen := rule.read(window)) is not None:
            return rule, seen
    return rules[0], None


def _window(content: bytes, unread: int, hint: int) -> Window:
    # A hint may begin with the end of the line before.
    while content[hint : hint + 1] in (b"\r", b"\n"):
        hint += 1
    start = (
        max(content.rfind(b"\n", unread, hint), content.rfind(b"\r", unread, hint)) + 1 or unread
    )
    end, after = next_line(content, hint)
    return Window(content, start, end, after, hint)


def _finding(rule: str, seen: Sighting, number: int, *, marked_up: bool) -> Finding:
    raw = seen.excerpt
    if marked_up:
        text = html.unescape(raw.decode("utf-8", "surrogateescape"))
        raw = text.encode("utf-8", "surrogateescape")
    excerpt = decode_line(raw)[0].strip()[:EXCERPT_CHARACTERS]
    last = number + seen.more_lines
    return Finding(rule, seen.level, number, last, excerpt, masked_hash(excerpt))


@functools.cache
def _joined(hints: tuple[bytes, ...]) -> Pattern:
    return compile_bytes(b"|".join(b"(?:" + hint + b")" for hint in hints))
