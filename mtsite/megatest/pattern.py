"""Megatest's pattern language for names: `%` and `*`, comma lists, `~` for "not". Pure.

Of Megatest's matchers this is the one of its queries: a pattern with `%` is SQL's LIKE (`_` is any
one character, ASCII letters of either case), one without is a GLOB (`*`, `?`, `[a-z]`, `[^a-z]`,
letters as they are). Nothing can be escaped.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

Match = Callable[[str], bool]

_STAR = None
"""Stands among the parts of a pattern for any number of any characters."""


@lru_cache(maxsize=256)
def matcher(pattern: str, *, any_case: bool = False) -> Match:
    """Whether a name matches any element of a comma list; `~` before an element negates it.

    An empty element matches the empty name alone. With `any_case` GLOBs too take ASCII letters of
    either case.
    """
    tests = [_element(one.strip(), any_case) for one in pattern.split(",")]
    return lambda name: any(test(name) for test in tests)


@lru_cache(maxsize=256)
def target_matcher(pattern: str) -> Callable[[Sequence[str]], bool]:
    """Whether a target matches any element of a comma list of `value/value/…`.

    As in Megatest's queries: empty parts are dropped, parts that lack match only an empty key
    value, parts too many are ignored. `%` alone is every target.
    """
    tests = [_target_element(one.strip()) for one in pattern.split(",")]
    return lambda target: any(test(target) for test in tests)


def _element(element: str, any_case: bool) -> Match:
    wanted = element.lstrip("~")
    negated = (len(element) - len(wanted)) % 2 == 1
    element = wanted
    like = "%" in element
    parts = list(_like(element) if like else _glob(element))
    flags = re.DOTALL | re.ASCII | (re.IGNORECASE if like or any_case else 0)
    compiled = re.compile(_expression(parts), flags)
    return lambda name: (compiled.fullmatch(name) is None) == negated


def _target_element(element: str) -> Callable[[Sequence[str]], bool]:
    if element == "%":
        return lambda target: True
    tests = [_element(part, False) for part in element.split("/") if part]
    nothing = _element("", False)

    def matches(target: Sequence[str]) -> bool:
        lacking = [nothing] * (len(target) - len(tests))
        return all(test(value) for test, value in zip([*tests, *lacking], target, strict=False))

    return matches


def _like(element: str) -> Iterator[str | None]:
    for character in element:
        yield _STAR if character == "%" else "." if character == "_" else re.escape(character)


def _glob(element: str) -> Iterator[str | None]:
    place = 0
    while place < len(element):
        character = element[place]
        place += 1
        if character == "[":
            set_, place = _character_set(element, place)
            yield set_
        else:
            yield _STAR if character == "*" else "." if character == "?" else re.escape(character)


def _character_set(element: str, start: int) -> tuple[str, int]:
    """The set that begins at `start`, and where it ends; one without an end matches nothing."""
    place = start + element.startswith("^", start)
    end = element.find("]", place + 1)
    if end < 0:
        return "(?!)", len(element)
    inner = ""
    for low, dash, high in re.findall(r"(.)(?:(-)(.))?", element[place:end], re.DOTALL):
        # SQLite takes the first of a range by itself too: [c-a] is c.
        spans = dash and low <= high
        inner += f"{re.escape(low)}-{re.escape(high)}" if spans else re.escape(low)
    return f"[{'^' * (place - start)}{inner}]", end + 1


def _expression(parts: Sequence[str | None]) -> str:
    """One expression whose time is bounded by pattern × name, whatever either holds.

    What stands between two wildcards is taken where it first fits and never tried again.
    """
    pieces = [[""]]
    for part in parts:
        if part is _STAR:
            pieces.append([""])
        else:
            pieces[-1].append(part)
    first, *between = ("".join(piece) for piece in pieces)
    if not between:
        return first
    *between, last = between
    return first + "".join(f"(?>.*?{piece})" for piece in between if piece) + f".*{last}"
