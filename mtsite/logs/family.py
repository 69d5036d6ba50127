"""What a family of rules is: rules for the one pass, or a dialect with a pass of its own.

    FAMILY = Family("disk", 1, rules=(Rule("disk/full", rb"No space left", read_full),),
                    catalogue=(Meaning("disk/full", CRITICAL, "Disk full", "Free some space."),))

A built-in family is a file of this room and a line in `families.BUILT_IN`; another package adds one
by an entry point of the group `mtsite.log_rules` that names its FAMILY.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from mtsite.logs.rule import Rule, Sighting
from mtsite.logs.source import Content, numbered_blocks

HEAD_BYTES = 1 << 16
"""So much of the beginning of a log a dialect sees before it claims it."""


class Meaning(Struct, frozen=True):
    """One thing that a family can say: a row of the catalogue page, whose anchor is the code."""

    code: str
    level: str
    title: str
    help: str
    """What it means and what to do, plain text."""


class Log(Struct, frozen=True):
    """A redacted log as a dialect sees it: escapes and all, in bytes.

    `name` is relative to the run directory; `settings` is the family's table of mtsite.toml,
    `[logs.FAMILY]`, as it stands there. `content` may be mapped from a file of any size: slice it,
    never take it whole.
    """

    name: str
    content: Content
    settings: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    """Whose log it is, AREA/KEY1/…/RUNNAME/TEST[/ITEM]; '' when nobody said."""

    def blocks(self) -> Iterator[tuple[int, list[bytes]]]:
        """The lines without their ends, some thousands at a time, with the number of the first.

        Of a line only the first `source.LONGEST_LINE` bytes are given.
        """
        return numbered_blocks(self.content)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Each line with its number."""
        for first, lines in self.blocks():
            yield from enumerate(lines, first)


class Analysis(Struct, frozen=True):
    """What a dialect says of a log.

    `findings` are (number of the first line, sighting) in the order of lines; every sighting has a
    `code`. They may come from a generator that fills `facts` (plain JSON) as it goes: `facts` is
    looked at when `findings` has ended.
    """

    findings: Iterable[tuple[int, Sighting]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class Family(Struct, frozen=True):
    """Rules that belong together.

    `edition` rises when verdicts change. `rules` are found by the one pass; the name of each is a
    code of the `catalogue`, which has all codes that the family can say. A dialect has `claims`
    (file name, first HEAD_BYTES) and `analyse`: of all dialects the first that claims a log
    analyses it. An `exclusive` dialect alone judges its logs, but for the site's own rules.
    """

    name: str
    edition: int
    rules: tuple[Rule, ...] = ()
    catalogue: tuple[Meaning, ...] = ()
    claims: Callable[[str, bytes], bool] | None = None
    analyse: Callable[[Log], Analysis] | None = None
    exclusive: bool = False
