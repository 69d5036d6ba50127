"""Which test and which item a JUnit item is. Pure.

A group is a test and its items are that test's items, with one exception: most runners of Python,
and some of others, put everything into one group and tell the real one in `classname`. So the
classname names the test, unless it says nothing of its own:

    it is missing, or a word that a runner always writes
    it equals the group (Surefire, Gradle, GoogleTest, nextest, Playwright)
    it is the end of the group's name (Go: package `example.org/x/db`, classname `db`)
    it repeats the item's name (CTest, Jest, Mocha)
"""

import re

RUNNERS = frozenset({"", "pytest", "nosetests", "nose2-junit", "unittest", "tests"})
"""Names of groups that say nothing: here the classname always wins."""

CONSTANT = frozenset({"", "test", "tests", "(empty)", "AllTests"})
"""Classnames that say nothing."""

UNNAMED = "(no name)"
OUTSIDE = "(outside of all items)"
_SEPARATORS = re.compile(r"::|[\\/:]")


class NameRule:
    """Remembers what was decided for (group, classname), which hundreds of items share."""

    def __init__(self) -> None:
        self._decided: dict[tuple[str, str], str | None] = {}

    def names(self, group: str, classname: str, name: str) -> tuple[str, str]:
        """The testname and the item path."""
        place = (group, classname)
        try:
            test = self._decided[place]
        except KeyError:
            test = self._decided[place] = _decide(group, classname)
        name = name or UNNAMED
        if test is not None:
            return test, name
        if _repeats(classname, name):
            return group or classname, name
        return classname, name


def nested(parent: str, name: str) -> str:
    """The name of a group inside another; one that repeats its parent's stands alone."""
    if not name or not parent:
        return name or parent
    return name if name.startswith(parent) else f"{parent} > {name}"


def _decide(group: str, classname: str) -> str | None:
    """The test of all such items; None where the item's own name must be looked at."""
    if classname in CONSTANT:
        return group or classname or UNNAMED
    if group in RUNNERS:
        return classname
    one, other = _SEPARATORS.sub(".", classname), _SEPARATORS.sub(".", group)
    if one == other or other.endswith((f".{one}", f" > {one}")):
        return group
    return None


def _repeats(classname: str, name: str) -> bool:
    return classname == name or name.endswith(f" {classname}") or classname.endswith(f" {name}")
