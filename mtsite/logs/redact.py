"""Mask secrets before the first copy of a log is made.

One RE2 expression with all rules runs over the whole buffer; only the secret itself is replaced, by
`▮▮▮[rule]▮▮▮`. Line ends are never touched, so line numbers and anchors stay. Masking what was
masked already changes nothing. The rules are in `redact_rules.py`.
"""

import bisect
import functools
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mtsite.logs.redact_rules import (
    DEFAULT_RULES,
    KEY_BEGIN,
    KEY_RULE,
    KEY_WORDS,
    Edit,
    KeyReader,
    RedactRule,
    own_rule,
)
from mtsite.regex import Match, Pattern, compile_bytes, count_groups, group_spans

MARK = "▮▮▮"
_ROUNDS = 32
_PATIENT_ROUNDS = 16
"""Each looks only at lines that the one before changed. Five were seen in lines that somebody made
by hand; where a line made by a machine goes on, it is masked to its end, and then is still."""
_BYTES_PER_LOOK = 2000
"""Looking at so many bytes takes as long as looking at one place."""

_MARK = MARK.encode()
_MASK = re.compile(re.escape(_MARK) + rb"\[[a-z0-9][a-z0-9_-]{0,39}\]" + re.escape(_MARK))
_LINE = re.compile(rb"[^\r\n]+")
_COLOUR = rb"(?:\x1b(?:\[[0-9;:]{0,64}[mK]|\(B))"
_COLOURS = re.compile(_COLOUR + rb"+")
_SPLIT = compile_bytes(rb"[\w/+=.:-]" + _COLOUR + rb"{1,9}[\w/+=.-]")
_KEY_HEAD = compile_bytes(KEY_BEGIN)

ALLOWED_BYTES = 200
"""A value that is allowed is no longer."""

Own = tuple[tuple[str, str], ...]
Allow = tuple[tuple[str, tuple[str, ...]], ...]


class Hit(NamedTuple):
    """A place that a rule matched: bytes from, to, and what is to be masked there."""

    start: int
    end: int
    edits: tuple[Edit, ...]


class Redactor:
    """Masks by one compiled set of rules; made by `make_redactor`. Can be pickled."""

    def __init__(self, rules: tuple[str, ...], own: Own, allow: Allow, report: bool) -> None:
        self._origin = (rules, own, allow, report)
        self.reports = report
        self._allowed = _allowed(allow)
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
        return (_make_redactor, self._origin)

    def redact(self, content: bytes) -> tuple[bytes, dict[str, int]]:
        """The content with its secrets masked, and how many masks each rule set.

        The number of lines never changes; redacting again changes nothing more.
        """
        return self.mask(content, 0, len(content), self.hits(content))

    def hits(
        self,
        content: bytes,
        start: int = 0,
        end: int | None = None,
        keys: KeyReader | None = None,
    ) -> list[Hit]:
        """What the rules match from `start` on, in order and apart; what it means is in its edits.

        With `end` nothing is seen beyond it; `start` is seen in front of. `keys` reads the same
        content.
        """
        keys = keys or KeyReader(content)
        end = len(content) if end is None else end
        found = self._in_sight(content, start, end, keys)
        if content.find(b"\x1b", start, end) >= 0:
            return _joined(found, list(self._behind_escapes(content, start, end, keys)))
        return found

    def _in_sight(self, content: bytes, start: int, end: int, keys: KeyReader) -> list[Hit]:
        """What the rules match in the text as it stands there."""
        found: list[Hit] = []
        if self._pattern is None:
            return found
        # A rule may want to see that its word doesn't go on before it: at least the line's end.
        seen_from = start - (content[max(start - 1, 0) : start] == b"\n")
        match = self._pattern.search(content, seen_from, end)
        while match is not None:
            edits = tuple(self._edits(content, match, keys))
            # What was turned down may hide a secret in its own text.
            resume = edits[-1][1] if edits else match.start() + 1
            if edits:
                found.append(Hit(match.start(), max(match.end(), resume), edits))
            match = self._pattern.search(content, resume, end) if resume <= end else None
        return found

    def may_span_lines(self, content: bytes, start: int) -> bool:
        """Whether a secret may begin at `start` or later and go on behind the end of its line."""
        if self._whole:
            return True
        if not self._key_group:
            return False
        # An escape may stand in the middle of the words.
        marks = (*KEY_WORDS, b"\x1b")
        return any(content.find(mark, start) >= 0 for mark in marks)

    def _behind_escapes(
        self, content: bytes, start: int, end: int, keys: KeyReader
    ) -> Iterator[Hit]:
        """What only shows when terminal colours inside of words are taken out of their line."""
        at = start
        while split := _SPLIT.search(content, at, end):
            first = max(content.rfind(b"\n", start, split.start()) + 1, start)
            at = min(_next_line(content, split.start()), end)
            plain, place = _without_escapes(content[first:at])
            is_head = self._key_group and _KEY_HEAD.search(plain)
            # The key's own lines stand below, where this one alone doesn't show them.
            if is_head and (key := tuple(keys.block(at))):
                yield Hit(at - 1, key[-1][1], key)
            # Once only: what is an escape no sooner than another is out is none to any reader.
            for hit in self._in_sight(plain, 0, len(plain), KeyReader(plain)):
                begins, ends = first + place(hit.start), first + place(hit.end - 1) + 1
                if content.find(b"\x1b", begins, ends) >= 0:
                    edits = (
                        (first + place(edit[0]), first + place(edit[1] - 1) + 1, edit[2])
                        for edit in hit.edits
                    )
                    yield Hit(begins, ends, tuple(edits))

    def mask(
        self, content: bytes, start: int, end: int, hits: Sequence[Hit]
    ) -> tuple[bytes, dict[str, int]]:
        """The text from `start` to `end` with the `hits` before `end` masked, and the counts.

        A redactor that only reports leaves the text as it is.
        """
        counts: dict[str, int] = {}
        edits = [edit for hit in hits for edit in hit.edits if edit[0] < end]
        if not edits:
            return content[start:end], counts
        if self.reports:
            return content[start:end], dict(sorted(Counter(name for *_, name in edits).items()))
        # Most are whole lines: what stands before them is then of no account, and is not copied.
        since = start if content[max(start - 1, 0) : start] in (b"", b"\n") else 0
        text = content[since:end] if since or end < len(content) else content
        edits = [(first - since, last - since, name) for first, last, name in edits]
        start -= since
        # A mask can bring two halves of another rule's match together: look again until it's still.
        for number in range(_ROUNDS):
            if number >= _PATIENT_ROUNDS:
                edits = _to_line_ends(text, edits)
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
        keys = KeyReader(text)
        for place in places:
            if place >= done:
                first = max(text.rfind(b"\n", done, place) + 1, done)
                done = _next_line(text, place)
                yield from self.hits(text, first, done, keys)

    def redact_text(self, text: str) -> str:
        """The same for a comment or description; surrogate escapes in it stay what they are."""
        redacted, counts = self.redact(_encoded(text))
        return redacted.decode("utf-8", "surrogateescape") if counts else text

    def counts_in(self, text: str) -> dict[str, int]:
        """How many masks each rule would set in it."""
        return self.redact(_encoded(text))[1] if text else {}

    def _edits(self, content: bytes, match: Match, keys: KeyReader) -> Iterator[Edit]:
        if self._key_group and match.start(self._key_group) >= 0:
            yield from keys.block(match.end())
            return
        groups = group_spans(match, len(self._by_group))
        for rule, (start, end) in zip(self._by_group, groups, strict=True):
            if start < end and self._accepts(rule, content[start:end]):
                for line in _LINE.finditer(content, start, end):
                    yield line.start(), line.end(), rule.name

    def _accepts(self, rule: RedactRule, value: bytes) -> bool:
        if not rule.accept(value):
            return False
        allowed = self._allowed.get(rule.name)
        # What is turned down is searched again from its second byte on: it must be short.
        return not allowed or len(value) > ALLOWED_BYTES or not allowed.fullmatch(value)


def make_redactor(
    rules: Sequence[str],
    own: Sequence[tuple[str, str]] = (),
    allow: Sequence[tuple[str, Sequence[str]]] = (),
    *,
    report: bool = False,
) -> Redactor:
    """The redactor for `[redact]`; the same arguments give the same, already compiled object.

    `rules` are "default" (all) or names of built-in rules; `own` are the site's (name, pattern in
    RE2 syntax, matched over bytes of UTF-8). Where an own pattern has groups only they are masked.
    `allow` has for a rule patterns of whole values, of up to 200 bytes, that it leaves alone. With
    `report` everything is found and counted, and nothing masked.

    Raises:
        ValueError: an unknown rule, a bad name or a bad pattern; the message names the rule.
    """
    return _make_redactor(
        tuple(rules),
        tuple((name, pattern) for name, pattern in own),
        tuple((name, tuple(patterns)) for name, patterns in allow),
        report,
    )


@functools.cache
def _make_redactor(rules: tuple[str, ...], own: Own, allow: Allow, report: bool) -> Redactor:
    for name, _ in allow:
        if name not in rule_names(own):
            raise ValueError(f"redact allow {name!r}: no such rule; a private key is never allowed")
    return Redactor(rules, own, allow, report)


def rule_names(own: Own = ()) -> frozenset[str]:
    """The names of the rules that values can be allowed for: all but that of private keys."""
    return frozenset(rule.name for rule in DEFAULT_RULES) | {name for name, _ in own}


def _allowed(allow: Allow) -> dict[str, Pattern]:
    found = {}
    for name, patterns in allow:
        for pattern in patterns:
            try:
                compile_bytes(pattern.encode())
            except ValueError as error:
                raise ValueError(f"redact allow {name!r}: {error}") from None
        found[name] = compile_bytes(b"|".join(b"(?:%b)" % one.encode() for one in patterns))
    return found


def _chosen(names: tuple[str, ...]) -> list[RedactRule]:
    known = {KEY_RULE, *(rule.name for rule in DEFAULT_RULES)}
    for name in names:
        if name != "default" and name not in known:
            raise ValueError(
                f"redact rule {name!r}: no such rule; there are default, {', '.join(sorted(known))}"
            )
    return [rule for rule in DEFAULT_RULES if "default" in names or rule.name in names]


def _without_escapes(line: bytes) -> tuple[bytes, Callable[[int], int]]:
    """The line without terminal colours, and where in it a place of what is left was."""
    pieces, kept, removed = [], [0], [0]
    done = 0
    for escape in _COLOURS.finditer(line):
        pieces.append(line[done : escape.start()])
        kept.append(kept[-1] + len(pieces[-1]))
        removed.append(removed[-1] + escape.end() - escape.start())
        done = escape.end()
    pieces.append(line[done:])

    def place(at: int) -> int:
        return at + removed[bisect.bisect_right(kept, at) - 1]

    return b"".join(pieces), place


def _joined(found: list[Hit], hidden: list[Hit]) -> list[Hit]:
    """Both in order; where they meet they are one, and the edits of the hidden ones win."""
    if not hidden:
        return found
    joined: list[Hit] = []
    for hit in sorted([*found, *hidden]):
        if joined and hit.start < joined[-1].end:
            last = joined.pop()
            edits = _apart([*last.edits, *hit.edits])
            hit = Hit(last.start, max(last.end, hit.end), edits)
        joined.append(hit)
    return joined


def _apart(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Edits that overlap as one, under the name of the longest."""
    apart: list[Edit] = []
    for edit in sorted(edits):
        if apart and edit[0] < apart[-1][1]:
            last = apart.pop()
            name = max(last, edit, key=lambda one: one[1] - one[0])[2]
            edit = (last[0], max(last[1], edit[1]), name)
        apart.append(edit)
    return tuple(apart)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _to_line_ends(content: bytes, wanted: list[Edit]) -> list[Edit]:
    edits: list[Edit] = []
    for start, _, name in wanted:
        if not edits or start >= edits[-1][1]:
            line = _LINE.match(content, start)
            edits += [(start, line.end(), name)] if line else []
    return edits


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
