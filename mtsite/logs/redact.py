"""Mask secrets before the first copy of a log is made.

One RE2 expression with all rules runs over the whole buffer; only the secret itself is replaced, by
`▮▮▮[rule]▮▮▮`. Line ends are never touched, so line numbers and anchors stay. Masking what was
masked already changes nothing. The rules are in `redact_rules.py`.
"""

import bisect
import functools
import operator
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mtsite.logs.redact_rules import (
    DEFAULT_RULES,
    KEY_BEGIN,
    KEY_RULE,
    Edit,
    RedactRule,
    key_block,
    own_rule,
)
from mtsite.regex import Match, Pattern, compile_bytes, count_groups

MARK = "▮▮▮"
_ROUNDS = 4
_BYTES_PER_LOOK = 2000
"""Looking at so many bytes takes as long as looking at one place."""

_MARK = MARK.encode()
_MASK = re.compile(re.escape(_MARK) + rb"\[[a-z0-9][a-z0-9_-]{0,39}\]" + re.escape(_MARK))
_LINE = re.compile(rb"[^\r\n]+")


class Hit(NamedTuple):
    """A place that a rule matched: bytes from, to, and what is to be masked there."""

    start: int
    end: int
    edits: tuple[Edit, ...]


class Redactor:
    """Masks by one compiled set of rules; made by `make_redactor`. Can be pickled."""

    def __init__(self, rules: tuple[str, ...], own: tuple[tuple[str, str], ...]) -> None:
        self._origin = (rules, own)
        self._by_group: list[RedactRule] = []
        parts = []
        for rule in _chosen(rules) + [own_rule(name, pattern) for name, pattern in own]:
            groups = count_groups(rule.pattern)
            parts.append(b"(?:" + rule.pattern + b")" if groups else b"(" + rule.pattern + b")")
            self._by_group += [rule] * (groups or 1)
        self._key_group = len(self._by_group) + 1
        if "default" in rules or KEY_RULE in rules:
            parts.append(b"(" + KEY_BEGIN + b")")
        else:
            self._key_group = 0
        self._whole = bool(own)
        self._pattern: Pattern | None = compile_bytes(b"(?m)" + b"|".join(parts)) if parts else None

    def __reduce__(self) -> tuple[object, ...]:
        return (make_redactor, self._origin)

    def redact(self, content: bytes) -> tuple[bytes, dict[str, int]]:
        """The content with its secrets masked, and how many masks each rule set.

        The number of lines never changes; redacting again changes nothing more.
        """
        return self.mask(content, 0, len(content), self.hits(content))

    def hits(self, content: bytes, start: int = 0, end: int | None = None) -> list[Hit]:
        """What the rules match from `start` on, in order and apart; what it means is in its edits.

        With `end` nothing is seen beyond it; `start` is seen in front of.
        """
        found: list[Hit] = []
        if self._pattern is None:
            return found
        end = len(content) if end is None else end
        # A rule may want to see that its word doesn't go on before it: at least the line's end.
        seen_from = start - (content[max(start - 1, 0) : start] == b"\n")
        match = self._pattern.search(content, seen_from, end)
        while match is not None:
            edits = tuple(self._edits(content, match))
            # What was turned down may hide a secret in its own text.
            resume = edits[-1][1] if edits else match.start() + 1
            if edits:
                found.append(Hit(match.start(), max(match.end(), resume), edits))
            match = self._pattern.search(content, resume, end) if resume <= end else None
        return found

    def mask(
        self, content: bytes, start: int, end: int, hits: Sequence[Hit]
    ) -> tuple[bytes, dict[str, int]]:
        """The text from `start` to `end` with the `hits` before `end` masked, and the counts."""
        counts: dict[str, int] = {}
        edits = [edit for hit in hits for edit in hit.edits if edit[0] < end]
        if not edits:
            return content[start:end], counts
        text = content[:end]
        # A mask can bring two halves of another rule's match together: look again until it's still.
        for _ in range(_ROUNDS):
            if edits and _MARK in text:
                edits = _spare_masks(text, edits)
            if not edits:
                break
            for _, _, name in edits:
                counts[name] = counts.get(name, 0) + 1
            text, places = _apply(text, edits)
            edits = [edit for hit in self._hits_around(text, start, places) for edit in hit.edits]
        return text[start:], dict(sorted(counts.items()))

    def _hits_around(self, text: bytes, start: int, places: Sequence[int]) -> Iterator[Hit]:
        """What matches on the lines that were changed; built-in rules see one line at a time."""
        if self._whole or len(places) > len(text) // _BYTES_PER_LOOK:
            yield from self.hits(text, start)
            return
        done = start
        for place in places:
            if place >= done:
                first = max(text.rfind(b"\n", done, place) + 1, done)
                done = _next_line(text, place)
                yield from self.hits(text, first, done)

    def redact_text(self, text: str) -> str:
        """The same for a comment or description; surrogate escapes in it stay what they are."""
        try:
            raw = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raw = text.encode("utf-8", "surrogatepass")
        redacted, counts = self.redact(raw)
        return redacted.decode("utf-8", "surrogateescape") if counts else text

    def _edits(self, content: bytes, match: Match) -> Iterator[Edit]:
        if self._key_group and match.start(self._key_group) >= 0:
            yield from key_block(content, match.end())
            return
        for group, rule in enumerate(self._by_group, start=1):
            start, end = match.span(group)
            if start < end and rule.accept(content[start:end]):
                for line in _LINE.finditer(content, start, end):
                    yield line.start(), line.end(), rule.name


def make_redactor(rules: Sequence[str], own: Sequence[tuple[str, str]] = ()) -> Redactor:
    """The redactor for `[redact]`; the same arguments give the same, already compiled object.

    `rules` are "default" (all) or names of built-in rules; `own` are the site's (name, pattern in
    RE2 syntax, matched over bytes of UTF-8). Where an own pattern has groups only they are masked.

    Raises:
        ValueError: an unknown rule, a bad name or a bad pattern; the message names the rule.
    """
    return _make_redactor(tuple(rules), tuple((name, pattern) for name, pattern in own))


@functools.cache
def _make_redactor(rules: tuple[str, ...], own: tuple[tuple[str, str], ...]) -> Redactor:
    return Redactor(rules, own)


def _chosen(names: tuple[str, ...]) -> list[RedactRule]:
    known = {KEY_RULE, *(rule.name for rule in DEFAULT_RULES)}
    for name in names:
        if name != "default" and name not in known:
            raise ValueError(
                f"redact rule {name!r}: no such rule; there are default, {', '.join(sorted(known))}"
            )
    return [rule for rule in DEFAULT_RULES if "default" in names or rule.name in names]


def _spare_masks(content: bytes, wanted: list[Edit]) -> list[Edit]:
    """Never cut a mask in two: an edit takes all of it; one that is a mask already is dropped."""
    masks = [mask.span() for mask in _MASK.finditer(content)]
    edits: list[Edit] = []
    for start, end, name in wanted:
        at = bisect.bisect_right(masks, start, key=operator.itemgetter(1))
        while at < len(masks) and masks[at][0] < end:
            start, end = min(start, masks[at][0]), max(end, masks[at][1])
            at += 1
        taken = bool(edits) and start < edits[-1][1]
        if not taken and not _MASK.fullmatch(content, start, end):
            edits.append((start, end, name))
    return edits


def _apply(content: bytes, edits: list[Edit]) -> tuple[bytes, list[int]]:
    """The content with its edits made, and where each of them is in it now."""
    pieces = []
    places = []
    done = grown = 0
    for start, end, name in edits:
        mask = mask_of(name)
        places.append(start + grown)
        pieces += [content[done:start], mask]
        grown += len(mask) - (end - start)
        done = end
    pieces.append(content[done:])
    return b"".join(pieces), places


def mask_of(rule: str) -> bytes:
    """What stands for a secret that a rule found."""
    return f"{MARK}[{rule}]{MARK}".encode()


def _next_line(text: bytes, at: int) -> int:
    return text.find(b"\n", at) + 1 or len(text)
