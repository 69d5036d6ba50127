"""What tests of a run wait for, as Megatest means the `[requirements]` of their testconfigs.

waiton A B       starts when A and B have ended well, each with all its items
waitor A B       when one of them has
mode toplevel    when they have ended, however
mode itemwait    (itemmatch says the same) an item when the items of that path have ended well;
itemmap          which path that is, where it is another one: `PATTERN REPLACEMENT` lines, the
                 first match of each replaced in turn
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from mtsite.megatest.pattern import matcher
from mtsite.model import Run, TestDefinition
from mtsite.regex import compile_bytes
from mtsite.relations import AS_A_WHOLE, BY_ITEM, DEPENDS, HOWEVER, ONE_OF, Edge

MOST_EDGES = 50_000
"""So many of a run are told of."""

MOST_LINES = 50
_WILD = frozenset("%*~")
_BY_ITEM = frozenset({"itemwait", "itemmatch"})

Items = Mapping[str, Mapping[str, None]]
"""Testname → the item paths that have rows, in order."""

Named = dict[str, list[tuple[str, str]]]
"""Pattern → the tests, or items, that it matches: many tests of a run have the same one."""


def waits_of(run: Run, definitions: Mapping[str, TestDefinition]) -> tuple[list[Edge], bool]:
    """The edges of a run in order of the tests that wait, and whether there are more.

    A name that stands for no row of the run makes an edge all the same. A pattern (`%` or `*`, as
    in names of tests) stands for all tests that it matches but the one that waits.
    """
    items: dict[str, dict[str, None]] = {}
    for test in run.tests:
        items.setdefault(test.testname, {})[test.item_path] = None
    found: dict[Edge, None] = {}
    known: Named = {}
    for name in items:
        said = definitions.get(name)
        if said is None:
            continue
        for edge in _edges(name, said, items, known):
            if len(found) == MOST_EDGES and edge not in found:
                return list(found), True
            found[edge] = None
    return list(found), False


def _edges(name: str, said: TestDefinition, items: Items, known: Named) -> Iterator[Edge]:
    needs = dict(said.requirements)
    modes = frozenset(needs.get("mode", "").split())
    how = BY_ITEM if modes & _BY_ITEM else HOWEVER if "toplevel" in modes else AS_A_WHOLE
    maps = dict(said.itemmap)
    for word in said.waiton:
        for other, item_path in _named(name, word, items, known):
            yield from _pairs((name, how), (other, item_path), items, maps)
    for word in needs.get("waitor", "").partition(" … (cut)")[0].split():
        for other, item_path in _named(name, word, items, known):
            yield Edge((name, ""), (other, item_path), DEPENDS, ONE_OF)


def _named(name: str, word: str, items: Items, known: Named) -> Iterator[tuple[str, str]]:
    """The tests, or items, that a word of waiton names."""
    if word in items or not (_WILD & set(word) or "/" in word):
        yield word, ""
        return
    if word not in known:
        known[word] = list(_matching(word, items))
    found = False
    for other, item_path in known[word]:
        if other != name:
            found = True
            yield other, item_path
    if not found:
        yield word, ""


def _matching(word: str, items: Items) -> Iterator[tuple[str, str]]:
    of_test, slash, of_item = word.partition("/")
    matches, of_items = matcher(of_test), matcher(of_item)
    for other in filter(matches, items):
        for item_path in items[other] if slash else ("",):
            if not slash or (item_path and of_items(item_path)):
                yield other, item_path


def _pairs(
    waiting: tuple[str, str], other: tuple[str, str], items: Items, maps: Mapping[str, str]
) -> Iterator[Edge]:
    name, how = waiting
    there = items.get(other[0], {})
    by_item = how == BY_ITEM and not other[1] and any(there) and any(items[name])
    kept = AS_A_WHOLE if how == BY_ITEM and not by_item else how
    yield Edge((name, ""), other, DEPENDS, kept)
    if not by_item:
        return
    lines = _map_for(other[0], maps)
    for item_path in items[name]:
        mapped = map_item(item_path, lines)
        if item_path and mapped and mapped in there:
            yield Edge((name, item_path), (other[0], mapped), DEPENDS, BY_ITEM)


def _map_for(other: str, maps: Mapping[str, str]) -> str:
    """The map for a test: its own, that of a pattern, or the one for all."""
    if other in maps:
        return maps[other]
    fitting = [maps[one] for one in maps if one and _WILD & set(one) and matcher(one)(other)]
    return fitting[0] if fitting else maps.get("", "")


def map_item(item_path: str, lines: str) -> str:
    """The item path of the other test for one of the test that waits.

    A line whose pattern can't be read in linear time changes nothing.
    """
    for pattern, replacement in _map_lines(lines):
        item_path = _replace(pattern, replacement, item_path)
    return item_path


@lru_cache(maxsize=256)
def _map_lines(lines: str) -> Sequence[tuple[str, str]]:
    words = (line.split() for line in lines.split("\n")[:MOST_LINES])
    return tuple((w[0], w[1] if len(w) > 1 else "") for w in words if w)


def _replace(pattern: str, replacement: str, text: str) -> str:
    content = text.encode("utf-8", "surrogateescape")
    try:
        compiled = compile_bytes(pattern.encode("utf-8", "surrogateescape"))
    except ValueError:
        return text
    match = compiled.search(content)
    if match is None:
        return text
    made = content[: match.start()]
    parts = replacement.encode("utf-8", "surrogateescape").split(b"\\")
    made += parts[0]
    for part in parts[1:]:
        number = part[:1]
        if not number.isdigit():
            made += b"\\" + part
            continue
        group = int(number)
        if group <= compiled.groups and match.start(group) >= 0:
            made += content[match.start(group) : match.end(group)]
        made += part[1:]
    return (made + content[match.end() :]).decode("utf-8", "surrogateescape")
