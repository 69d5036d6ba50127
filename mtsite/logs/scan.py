"""Judge a log: one pass for the rules of all families, and the pass of the dialect that claims it.

Hints of all rules are one RE2 expression over the text; a rule's function sees only lines that a
hint chose. What a rule or dialect of another package does wrong is said in `faults` and stops
nothing.
"""

import functools
import html
import json
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from mtsite.logs import ansi
from mtsite.logs.families import RuleSet
from mtsite.logs.family import HEAD_BYTES, Analysis, Family, Log
from mtsite.logs.plain import plain_text
from mtsite.logs.rule import (
    EXCERPT_CHARACTERS,
    LEVELS,
    LINE_BYTES,
    WARNING,
    Rule,
    Sighting,
    Window,
    finding_id,
    masked_hash,
)
from mtsite.logs.source import Content, block_borders, count_ends, decode_line, next_line, release
from mtsite.model import Finding
from mtsite.plugins import is_stop
from mtsite.regex import Pattern, PatternSet, compile_bytes

_HINT = operator.attrgetter("hint")
_KNOWN_LEVELS = ("", *LEVELS)
SHOWN = 20
"""So many errors, and so many warnings, are kept; the rest is counted."""


class Judged(Struct, frozen=True):
    """What is known of a log after its analysis; counts are true, lists hold the first ones.

    `findings` are errors and worse, `warnings` apart from them. `dialect` is the family that
    claimed the log, `facts` what it knows beyond findings. `faults` are mistakes of rules.
    """

    findings: tuple[Finding, ...] = ()
    finding_count: int = 0
    warnings: tuple[Finding, ...] = ()
    warning_count: int = 0
    dialect: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


Seen = tuple[int, str, Sighting, Rule | None]
"""Number of the first line, code, what was seen, and the rule whose title and link it has."""


def scan(
    content: Content, rule_set: RuleSet, name: str = "", most: int = SHOWN, place: str = ""
) -> Judged:
    """Judge the redacted text of the log of this name.

    Lines count as in `source.split_lines`; escapes inside a line hide nothing, nor do the tags of
    an HTML log. A line belongs to one finding: the dialect's, else that of the first rule that
    takes it. At most `most` errors, and as many warnings, are listed. `place` is whose log it is,
    as in `family.Log`.
    """
    faults: list[str] = []
    dialect = _claiming(rule_set, name, content[:HEAD_BYTES], faults)
    facts: dict[str, Any] = {}
    rules = rule_set.rules
    own_pass: Iterator[Seen] = iter(())
    if dialect is not None:
        log = Log(name, content, rule_set.settings.get(dialect.name, {}), place)
        own_pass = _analysed(dialect, log, facts, faults)
        rules = rule_set.own if dialect.exclusive else rules
    with plain_text(content) as (plain, marked_up):
        kept = _Kept(marked_up, most)
        if dialect is None:
            numbers = _Numbers(plain)
            for seen in _sightings_at(plain, rules, faults):
                kept.add(seen, numbers.of)
        else:
            for seen in _merged(own_pass, sightings(plain, rules, faults)):
                kept.add(seen)
    return Judged(
        findings=tuple(kept.errors),
        finding_count=kept.error_count,
        warnings=tuple(kept.warnings),
        warning_count=kept.warning_count,
        dialect=dialect.name if dialect else "",
        facts=facts,
        faults=tuple(sorted(faults)),
    )


def _claiming(rule_set: RuleSet, name: str, head: bytes, faults: list[str]) -> Family | None:
    for family in rule_set.families:
        if family.claims is not None:
            try:
                if family.claims(name, head):
                    return family
            except (Exception, SystemExit) as error:  # another package's code
                if is_stop(error):
                    raise
                faults.append(_fault(family.name, "claims", error))
    return None


def _analysed(family: Family, log: Log, facts: dict[str, Any], faults: list[str]) -> Iterator[Seen]:
    """The findings of a dialect; facts and faults are filled when it has ended."""
    assert family.analyse is not None
    known = {one.code for one in family.catalogue}
    try:
        analysis = family.analyse(log)
        if not isinstance(analysis, Analysis):
            raise TypeError(f"it gave {type(analysis).__name__}, not Analysis")
        for line, seen in analysis.findings:
            _check(seen)
            if seen.code not in known or not isinstance(line, int) or line < 1:
                raise ValueError(f"code {seen.code!r} at line {line!r}")
            yield line, seen.code, seen, None
        # What can't be written can't be kept: better known now than when the record is saved.
        facts.update(json.loads(json.dumps(dict(analysis.facts))))
    except (Exception, SystemExit) as error:  # another package's code
        if is_stop(error):
            raise
        faults.append(_fault(family.name, "analyse", error))


def sightings(content: Content, rules: Sequence[Rule], faults: list[str]) -> Iterator[Seen]:
    """What the rules see of a text without escapes, in the order of lines.

    Each line belongs to one sighting. What is wrong with a rule is added to `faults`.
    """
    numbers = _Numbers(content)
    for at, code, seen, rule in _sightings_at(content, rules, faults):
        yield numbers.of(at), code, seen, rule


def _sightings_at(content: Content, rules: Sequence[Rule], faults: list[str]) -> Iterator[Seen]:
    """The same, with the offset at which the line begins in place of its number."""
    if not rules:
        return
    first = _Chooser(rules, faults)
    at = 0
    for start, stop in block_borders(content):
        while at < stop and (window := first.next_window(content, at, stop)) is not None:
            at = window.after
            if (found := first.sighting(window)) is not None:
                rule, seen = found
                if seen.level:
                    yield window.start, seen.code or rule.name, seen, rule
                for _ in range(seen.more_lines):
                    at = next_line(content, at)[1]
        at = max(at, stop)
        release(content, start, stop)


class _Numbers:
    """Turns offsets, asked for in their order, into line numbers: few of many are needed."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._at = 0
        self._number = 1

    def of(self, at: int) -> int:
        """The number of the line that begins at an offset."""
        self._number += count_ends(self._content, self._at, at)
        self._at = at
        return self._number


def _from(content: Content, at: int) -> int:
    # RE2's ^ knows no lone CR as the end of a line: hints that do begin with it.
    return at - (content[at - 1 : at] == b"\r")


class _Chooser:
    """Finds the lines that a hint chooses, and of each the first rule that takes it.

    A rule that fails is left out from then on.
    """

    def __init__(self, rules: Sequence[Rule], faults: list[str]) -> None:
        self._rules = rules
        self._faults = faults
        self._hints, self._set = _compiled(tuple(map(_HINT, rules)))
        self._broken: set[int] = set()
        self._chosen: Sequence[int] = (0,)
        self._below = False
        self._after = 0

    def next_window(self, content: Content, at: int, stop: int) -> Window | None:
        """The next line that a hint chooses, from the line on that begins at `at`."""
        if self._below and self._set and (near := self._near(content, at, stop)):
            return near
        match = self._hints.search(content, _from(content, at), stop)
        if match is None:
            self._below = False
            return None
        window = _window(content, at, match.start())
        if self._set:
            self._chosen = self._set.matching(window.line())
        # Where one stood just below another the next one may, too.
        self._below = window.start == self._after
        self._after = window.after
        return window

    def _near(self, content: Content, at: int, stop: int) -> Window | None:
        """The line at `at` when it is chosen: asked where failures stand one below the other."""
        end = content.find(b"\n", at, min(at + LINE_BYTES, stop))
        line = content[at:end] if end >= 0 else b""
        # What a hint makes of a CR at the end only the whole text tells.
        if not line or b"\r" in line:
            return None
        assert self._set is not None
        if not (chosen := self._set.matching(line)):
            return None
        self._chosen = chosen
        self._after = end + 1
        return Window(content, at, end, end + 1, at)

    def sighting(self, window: Window) -> tuple[Rule, Sighting] | None:
        """What the first rule that takes the window's line says."""
        for index in sorted(self._chosen):
            if index in self._broken:
                continue
            rule = self._rules[index]
            try:
                if (seen := rule.read(window)) is not None:
                    _check(seen)
                    return rule, seen
            except (Exception, SystemExit) as error:  # another package's code
                if is_stop(error):
                    raise
                self._broken.add(index)
                self._faults.append(_fault(rule.name, "read", error))
        return None


def _merged(first: Iterator[Seen], second: Iterator[Seen]) -> Iterator[Seen]:
    """Both in the order of lines, without what begins on a line that `first` has taken."""
    taken = 0
    ahead = next(second, None)
    for one in first:
        while ahead is not None and ahead[0] < one[0]:
            if ahead[0] > taken:
                yield ahead
            ahead = next(second, None)
        yield one
        taken = max(taken, one[0] + one[2].more_lines)
    while ahead is not None:
        if ahead[0] > taken:
            yield ahead
        ahead = next(second, None)


class _Kept:
    """The first findings, and how many there were."""

    def __init__(self, marked_up: bool, most: int) -> None:
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.error_count = self.warning_count = 0
        self._marked_up = marked_up
        self._most = most
        self._equal: Counter[tuple[str, str]] = Counter()

    def add(self, seen: Seen, number_of: Callable[[int], int] = int) -> None:
        """Count a sighting; the number of its line is asked for only when it is kept."""
        place, code, sighting, rule = seen
        if sighting.level == WARNING:
            self.warning_count += 1
            kept = self.warnings
        else:
            self.error_count += 1
            kept = self.errors
        if len(kept) < self._most:
            kept.append(self._finding(number_of(place), code, sighting, rule))

    def _finding(self, number: int, code: str, seen: Sighting, rule: Rule | None) -> Finding:
        raw = seen.excerpt
        if self._marked_up:
            text = html.unescape(raw.decode("utf-8", "surrogateescape"))
            raw = text.encode("utf-8", "surrogateescape")
        excerpt = decode_line(ansi.strip(raw))[0].strip()[:EXCERPT_CHARACTERS]
        masked = masked_hash(excerpt)
        self._equal[code, masked] += 1
        return Finding(
            rule=code,
            level=seen.level,
            first_line=number,
            last_line=number + seen.more_lines,
            excerpt=excerpt,
            masked=masked,
            id=finding_id(code, masked, self._equal[code, masked]),
            title=seen.title or (rule.title if rule else ""),
            link=seen.link or (rule.link if rule else ""),
        )


def _check(seen: object) -> None:
    """Refuse what is no sighting.

    Raises:
        TypeError: what another package's code gave can't be used.
    """
    if not isinstance(seen, Sighting):
        raise TypeError(f"it gave {type(seen).__name__}, not Sighting")
    level, excerpt, more_lines, code, title, link = seen
    texts = isinstance(code, str) and isinstance(title, str) and isinstance(link, str)
    lines = isinstance(more_lines, int) and more_lines >= 0
    if not (texts and lines and isinstance(excerpt, bytes) and level in _KNOWN_LEVELS):
        raise TypeError("it gave a Sighting with nonsense in it")


def _fault(name: str, what: str, error: BaseException) -> str:
    return f"rules {name}: {what} failed: {type(error).__name__}: {error}"[:300]


def _window(content: Content, unread: int, hint: int) -> Window:
    # A hint may begin with the end of the line before.
    while content[hint : hint + 1] in (b"\r", b"\n"):
        hint += 1
    start = content.rfind(b"\n", unread, hint) + 1 or unread
    start = content.rfind(b"\r", start, hint) + 1 or start
    end, after = next_line(content, hint)
    return Window(content, start, end, after, hint)


@functools.cache
def _compiled(hints: tuple[bytes, ...]) -> tuple[Pattern, PatternSet | None]:
    """What finds the next line that any hint chooses, and what tells which hints do."""
    joined = compile_bytes(b"|".join(b"(?:" + hint + b")" for hint in hints))
    return joined, PatternSet(hints) if len(hints) > 1 else None
