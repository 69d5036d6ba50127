"""The few Scheme expressions that config files hold, told without an interpreter; cached parses.

Data are read as Scheme writes them: strings as `str`, symbols as `Symbol`, whole numbers, `#t`,
`#f`, lists as tuples. `evaluate` knows the forms that real areas use (`getenv`, `conc`, `case`,
`+` …); it has no loop and no side effect: `create-directory` is used for the path that it gives
back, and nothing is made. Whatever it doesn't know is unknown, never guessed.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

DEPTH = 60
CHARACTERS = 1 << 20
LARGEST_NUMBER = 10**15

_TOKEN = re.compile(
    r"""(?:\s++|;[^\n]*+)*+
        (?:(?P<string>"(?:[^"\\]++|\\.)*+")|(?P<mark>[()'])|(?P<word>[^\s()'";]++))""",
    re.VERBOSE | re.DOTALL,
)
_REST = re.compile(r"(?:\s++|;[^\n]*+)*+")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,6});?|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "v": "\v", "f": "\f", "0": "\0"}
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}")


class Symbol(str):
    """A name in Scheme, as opposed to a string."""

    __slots__ = ()


Datum = str | int | bool | tuple["Datum", ...]
"""What was read; `Symbol` is a `str`."""

QUOTE = Symbol("quote")


class UnknownError(Exception):
    """It can't be told without an interpreter."""


class Surroundings(Struct, frozen=True):
    """What an expression may look at; `target` is '' where no target is known."""

    area_path: Path
    getenv: Callable[[str], str | None]
    target: str


def read(text: str) -> tuple[Datum, ...]:
    """All data in a text, in order; time and memory grow with its length only.

    Raises:
        ValueError: it is no Scheme, or nested deeper than 60.
    """
    levels: list[tuple[list[Datum], bool]] = [([], False)]
    at = 0
    while (found := _TOKEN.match(text, at)) is not None:
        at = found.end()
        mark = found["mark"]
        if mark == ")":
            _close(levels)
        elif mark:
            if len(levels) > DEPTH:
                raise ValueError("nested too deeply")
            levels.append(([], False) if mark == "(" else ([QUOTE], True))
        else:
            _add(levels, _unquoted(found["string"]) if found["string"] else _word(found["word"]))
    if len(levels) != 1 or _REST.fullmatch(text, at) is None:
        raise ValueError("a parenthesis or a string is not closed")
    return tuple(levels[0][0])


def _close(levels: list[tuple[list[Datum], bool]]) -> None:
    if len(levels) == 1 or levels[-1][1]:
        raise ValueError("a parenthesis too many")
    _add(levels, tuple(levels.pop()[0]))


def _add(levels: list[tuple[list[Datum], bool]], datum: Datum) -> None:
    levels[-1][0].append(datum)
    while levels[-1][1]:
        quoted = tuple(levels.pop()[0])
        levels[-1][0].append(quoted)


def _word(word: str) -> Datum:
    if word in {"#t", "#f"}:
        return word == "#t"
    return int(word) if _NUMBER.fullmatch(word) else Symbol(word)


def _unquoted(string: str) -> str:
    return _ESCAPE.sub(_escaped, string[1:-1]) if "\\" in string else string[1:-1]


def _escaped(found: re.Match[str]) -> str:
    if found[3]:
        return _ESCAPES.get(found[3], found[3])
    code = int(found[1] or found[2], 16)
    return chr(code) if code < 0x110000 else "\ufffd"


def evaluate(text: str, surroundings: Surroundings) -> str | None:
    """What an expression yields, as text; None where that can't be told here."""
    try:
        found: Datum = False
        for datum in read(text):
            found = _Evaluation(surroundings).value(datum)
        return _shown(found)
    except (UnknownError, ValueError, RecursionError):
        return None


class _Evaluation:
    """One expression; what it makes is bounded in all."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.around = surroundings
        self.made = 0

    def value(self, datum: Datum) -> Datum:
        if isinstance(datum, Symbol):
            if datum == "*toppath*":
                return str(self.around.area_path)
            raise UnknownError(datum)
        if not isinstance(datum, tuple):
            return datum
        if not datum or not isinstance(datum[0], Symbol):
            raise UnknownError
        special = _SPECIAL.get(datum[0])
        if special is not None:
            return special(self, datum[1:])
        procedure = _PROCEDURES.get(datum[0])
        if procedure is None:
            raise UnknownError(datum[0])
        made = procedure(self.around, [self.value(each) for each in datum[1:]])
        self.made += len(made) if isinstance(made, str) else 1
        if self.made > CHARACTERS:
            raise UnknownError
        return made

    def choose(self, rest: Sequence[Datum]) -> Datum:
        """(if test then else)"""
        if len(rest) not in {2, 3}:
            raise UnknownError
        chosen = rest[1:2] if self.value(rest[0]) is not False else rest[2:]
        return self.value(chosen[0]) if chosen else False

    def first_true(self, rest: Sequence[Datum]) -> Datum:
        """(or …)"""
        found: Datum = False
        for each in rest:
            if (found := self.value(each)) is not False:
                return found
        return found

    def all_true(self, rest: Sequence[Datum]) -> Datum:
        """(and …)"""
        found: Datum = True
        for each in rest:
            if (found := self.value(each)) is False:
                return found
        return found

    def case(self, rest: Sequence[Datum]) -> Datum:
        """(case key ((a b) value) … (else value))"""
        key = self.value(rest[0]) if rest else False
        for clause in rest[1:]:
            if not isinstance(clause, tuple) or len(clause) < 2:
                raise UnknownError
            if clause[0] == "else" or (isinstance(clause[0], tuple) and key in clause[0]):
                return [self.value(each) for each in clause[1:]][-1]
        raise UnknownError

    def quoted(self, rest: Sequence[Datum]) -> Datum:
        """'datum"""
        if len(rest) != 1:
            raise UnknownError
        return rest[0]


_SPECIAL: Mapping[str, Callable[[_Evaluation, Sequence[Datum]], Datum]] = {
    "if": _Evaluation.choose,
    "or": _Evaluation.first_true,
    "and": _Evaluation.all_true,
    "case": _Evaluation.case,
    "quote": _Evaluation.quoted,
}


def _shown(datum: Datum) -> str:
    """As `display` writes it."""
    if isinstance(datum, bool):
        return "#t" if datum else "#f"
    if isinstance(datum, tuple):
        raise UnknownError
    return str(datum)


def _text(datum: Datum) -> str:
    if isinstance(datum, str) and not isinstance(datum, Symbol):
        return datum
    raise UnknownError


def _joined(_: Surroundings, given: list[Datum]) -> Datum:
    texts = [_shown(each) for each in given]
    if sum(map(len, texts)) > CHARACTERS:
        raise UnknownError
    return "".join(texts)


def _getenv(around: Surroundings, given: list[Datum]) -> Datum:
    (name,) = given
    found = around.getenv(_text(name))
    return False if found is None else found


def _argument(around: Surroundings, given: list[Datum]) -> Datum:
    """(args:get-arg "-target"): of Megatest's command line only the target is known here."""
    if given[:1] not in (["-target"], ["-reqtarg"]) or not around.target:
        raise UnknownError
    return around.target


def _path(around: Surroundings, given: list[Datum]) -> Datum:
    return os.path.normpath(around.area_path / _text(given[0])) if given else False


def _first(_: Surroundings, given: list[Datum]) -> Datum:
    if not given:
        raise UnknownError
    return _text(given[0])


def _calculated(of: Callable[[list[int]], int]) -> Callable[[Surroundings, list[Datum]], Datum]:
    def calculate(_: Surroundings, given: list[Datum]) -> Datum:
        numbers = [each for each in given if isinstance(each, int) and not isinstance(each, bool)]
        if not numbers or len(numbers) != len(given):
            raise UnknownError
        made = of(numbers)
        if abs(made) > LARGEST_NUMBER:
            raise UnknownError
        return made

    return calculate


def _difference(numbers: list[int]) -> int:
    return -numbers[0] if len(numbers) == 1 else numbers[0] - sum(numbers[1:])


def _product(numbers: list[int]) -> int:
    made = 1
    for each in numbers:
        made = max(-LARGEST_NUMBER * 10, min(LARGEST_NUMBER * 10, made * each))
    return made


def _interspersed(_: Surroundings, given: list[Datum]) -> Datum:
    if len(given) not in {1, 2} or not isinstance(given[0], tuple):
        raise UnknownError
    texts = [_text(each) for each in given[0]]
    between = _text(given[1]) if len(given) == 2 else " "
    if sum(map(len, texts)) + len(between) * len(texts) > CHARACTERS:
        raise UnknownError
    return between.join(texts)


_PROCEDURES: Mapping[str, Callable[[Surroundings, list[Datum]], Datum]] = {
    "getenv": _getenv,
    "get-environment-variable": _getenv,
    "args:get-arg": _argument,
    "conc": _joined,
    "string-append": _joined,
    "string->symbol": lambda _, given: Symbol(_text(given[0])) if given else False,
    "symbol->string": lambda _, given: str(given[0]) if given else False,
    "number->string": lambda _, given: _shown(given[0]) if given else False,
    "not": lambda _, given: bool(given) and given[0] is False,
    "list": lambda _, given: tuple(given),
    "string-intersperse": _interspersed,
    "nice-path": _path,
    "common:nice-path": _path,
    "create-directory": _first,
    "+": _calculated(sum),
    "-": _calculated(_difference),
    "*": _calculated(_product),
    "max": _calculated(max),
    "min": _calculated(min),
}


def read_cached(text: str) -> dict[str, dict[str, str]]:
    """A cached parse, as Megatest leaves it in run directories: section → key → value.

    That is `((section (key value) …) …)`, data and no code. A pair of another shape is left out.

    Raises:
        ValueError: it is no such list.
    """
    data = read(text)
    if len(data) != 1 or not isinstance(data[0], tuple):
        raise ValueError("not one list")
    sections: dict[str, dict[str, str]] = {}
    for section in data[0]:
        if not isinstance(section, tuple) or not section or not isinstance(section[0], str):
            raise ValueError("a section without a name")
        values = sections.setdefault(str(section[0]), {})
        for pair in section[1:]:
            if isinstance(pair, tuple) and pair and isinstance(pair[0], str):
                value = pair[1] if len(pair) > 1 else ""
                values.pop(pair[0], None)
                values[str(pair[0])] = value if isinstance(value, str) else ""
    return sections
