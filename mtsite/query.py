"""The language of filters (docs/filter.md): text into a test of one row. Pure.

The box of a page judges by the same rules (static/js/filter_query.js); tests/data/filter/cases.json
and properties hold the two together.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct, field

from mtsite.errors import UsageError
from mtsite.options import UNITS
from mtsite.rollup import BAD, GOOD, Verdict

FIELDS = ("test", "item", "run", "target", "area", "owner", "host", "state", "status")
"""Words before a colon behind which a pattern stands."""

CHANGES = ("new", "still", "fixed", "known")
STATES = (*(verdict.name.lower().replace("_", "-") for verdict in Verdict), "gone")
GROUPS: Mapping[str, Collection[str]] = {
    "bad": {verdict.name.lower() for verdict in BAD},
    "good": {verdict.name.lower() for verdict in GOOD},
}
MARKS = (
    *("item", "flaky", "slow", "archived", "differs", "gone"),
    *("test", "run", "line", "target", "host", "owner"),
)
TIMES = ("since", "before")
MOST_CHARACTERS = 1000

_HINT = "docs/filter.md has the language; s:fail new 'target:v1.6/%' '!@nightly' is a filter"
_TERM = re.compile(r'!?"[^"]*"?|[^ \t\r\n]+')
_PREFIX = re.compile(r"(s|is|since|before|test|item|run|target|area|owner|host|state|status):(.*)")
_DAY = re.compile(r"([12][0-9]{3})-([0-9]{2})-([0-9]{2})")
_AGE = re.compile(r"([0-9]{1,6})([smhdwy])")
_ALTERNATIVES = ("verdict", "change", *FIELDS)


class Row(Struct, frozen=True):
    """What a filter looks at, all of it in small letters.

    `verdict` and `change` are words, `marks` and `tags` lists; `text` is what words are looked for
    in. `named` has the values of those `FIELDS` that are known here. `when` is Unix seconds.
    """

    verdict: str = ""
    change: str = ""
    marks: Collection[str] = ()
    tags: Collection[str] = ()
    text: str = ""
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    when: int | None = None


class Term(Struct, frozen=True):
    """One term: `at` is where it begins, from 1; `kind` what it asks of a row, `value` for which.

    `turned` says that it must not hold.
    """

    turned: bool
    kind: str
    value: str
    at: int
    word: str


class Problem(Struct, frozen=True):
    """A term that nothing can fulfil: where it begins, from 1, and what may stand there."""

    at: int
    word: str
    allowed: str

    def __str__(self) -> str:
        """As people are told."""
        return f"position {self.at}: {self.word}: {self.allowed}"


class Query(Struct, frozen=True):
    """A filter that was read; `now` is what ages are counted back from."""

    terms: tuple[Term, ...]
    now: int

    @property
    def asks(self) -> frozenset[str]:
        """The kinds of its terms."""
        return frozenset(term.kind for term in self.terms)

    def without(self, kinds: Collection[str]) -> "Query":
        """The same without its terms of these kinds: it finds no less."""
        return Query(tuple(one for one in self.terms if one.kind not in kinds), self.now)

    def hits(self, row: Row) -> bool:
        """Whether a row is one of those that were asked for."""
        for kind in _ALTERNATIVES:
            wanted = [one for one in self.terms if one.kind == kind and not one.turned]
            if wanted and not any(self._holds(one, row) for one in wanted):
                return False
        return all(
            self._holds(one, row) is not one.turned
            for one in self.terms
            if one.turned or one.kind not in _ALTERNATIVES
        )

    def problems(self, known: Collection[str] = FIELDS) -> list[Problem]:
        """The terms that no row can fulfil, where rows have the fields in `known`."""
        found = ((one, self._allowed(one, known)) for one in self.terms)
        return [Problem(one.at, one.word, allowed) for one, allowed in found if allowed]

    def _allowed(self, term: Term, known: Collection[str]) -> str:
        if term.kind == "verdict" and term.value not in {*STATES, *GROUPS}:
            return f"no such state; there are {' '.join((*GROUPS, *STATES))}"
        if term.kind == "mark" and term.value not in MARKS:
            return f"no such mark; there are {' '.join(MARKS)}"
        if term.kind in TIMES and self._moment(term.value) is None:
            return "no time; write a day as 2026-11-22 or an age as 7d"
        if term.kind in FIELDS and term.kind not in known:
            fields = " ".join(f"{name}:" for name in FIELDS if name in known)
            return f"not known here; there are {fields or 'no such terms'}"
        return ""

    def _holds(self, term: Term, row: Row) -> bool:
        return _HOLDS[term.kind](self, term.value, row)

    def _moment(self, value: str) -> int | None:
        """The Unix seconds that a day or an age speaks of."""
        if matched := _DAY.fullmatch(value):
            year, month, day = map(int, matched.groups())
            try:
                return int(datetime(year, month, day, tzinfo=UTC).timestamp())
            except ValueError:
                return None
        if matched := _AGE.fullmatch(value):
            return self.now - int(matched[1]) * UNITS[matched[2]]
        return None

    def _is_since(self, value: str, row: Row) -> bool:
        moment = self._moment(value)
        return moment is not None and bool(row.when) and (row.when or 0) >= moment

    def _is_before(self, value: str, row: Row) -> bool:
        moment = self._moment(value)
        return moment is not None and bool(row.when) and (row.when or 0) < moment


def read_query(text: str, now: int) -> Query:
    """The terms of a filter; any text is one. What nothing can fulfil `problems` tells."""
    return Query(tuple(_term(found) for found in _TERM.finditer(text)), now)


def checked_query(text: str, now: int, known: Collection[str] = FIELDS) -> Query:
    """The same for who can correct it at once: `known` are the fields that rows have here.

    Raises:
        UsageError: it is too long, or has a term that nothing can fulfil; all of them are named.
    """
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"a filter has at most {MOST_CHARACTERS} characters", _HINT)
    query = read_query(text, now)
    if problems := query.problems(known):
        raise UsageError("\n".join(["the filter:", *map(str, problems)]), _HINT)
    return query


def fits(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern: `*` and `%` are any text, `?` one character.

    In steps that never go back further than the last wildcard, so no pattern takes long.
    """
    pattern = pattern.replace("%", "*")
    at = place = 0
    star, mark = -1, 0
    while place < len(text):
        wanted = pattern[at] if at < len(pattern) else ""
        if wanted == "*":
            star, mark = at, place
            at += 1
        elif wanted and wanted in ("?", text[place]):
            at += 1
            place += 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")


def _term(found: re.Match[str]) -> Term:
    word = found[0].lower()
    turned = len(word) > 1 and word.startswith("!")
    kind, value = _kind(word[1:] if turned else word)
    return Term(turned, kind, value, found.start() + 1, word)


def _kind(word: str) -> tuple[str, str]:
    """What a term without its `!` asks for."""
    if word.startswith('"'):
        return "text", word.replace('"', "")
    if matched := _PREFIX.fullmatch(word):
        kind = {"s": "verdict", "is": "mark"}.get(matched[1], matched[1])
        return kind, matched[2]
    if word.startswith("@") and len(word) > 1:
        return "tag", word[1:]
    kinds = {"waived": "verdict", "flaky": "mark"} | dict.fromkeys(CHANGES, "change")
    return kinds.get(word, "text"), word


def _named(kind: str) -> Callable[[Query, str, Row], bool]:
    return lambda _, value, row: any(fits(value, one) for one in row.named.get(kind, ()))


_HOLDS: Mapping[str, Callable[[Query, str, Row], bool]] = {
    "verdict": lambda _, value, row: row.verdict in GROUPS.get(value, (value,)),
    "change": lambda _, value, row: value in row.change.split(" "),
    "mark": lambda _, value, row: value in row.marks,
    "tag": lambda _, value, row: any(fits(value, tag) for tag in row.tags),
    "text": lambda _, value, row: value in row.text,
    "since": Query._is_since,
    "before": Query._is_before,
    **{kind: _named(kind) for kind in FIELDS},
}
