"""`annotations/*.toml` beside mtsite.toml: failures that somebody knows of, with link and end.

The files are the user's; mtsite only reads them.

    [[known]]
    title = "Parity is not modelled yet"    # what readers see
    pattern = 'parity (error|mismatch)'     # RE2, on the failing line that lists show
    test = "uart_%"                         # Megatest's patterns; uart_%/corner=% for items
    target = "ubuntu/%/%"
    until = 2026-12-31                      # the last day; later runs count as failing again
    link = "https://bugs.example/4711"
    owner = "ann"

A table with a mistake is left out and said, with file and line; all others are used.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from mtsite.errors import ConfigError
from mtsite.holds import DATE
from mtsite.options import REQUIRED, TEXT, WEB_ADDRESS, Kind, option
from mtsite.ownrules import REGEX
from mtsite.tomlfile import KeyPath, TableReader, TomlFile

DIRECTORY = "annotations"
TABLE = "known"
MOST = 2000
"""More rules than that are left out, and said."""

MOST_BYTES = 1 << 20
_PATTERN = Kind("regular expression", lambda value, base: REGEX.read(value, base) if value else "")


@dataclass(frozen=True)
class Annotation:
    """[[known]]: a failure that somebody knows of. What is not given fits everything.

    `place` is where it stands, FILE:LINE below the directory of mtsite.toml.
    """

    title: str = option(TEXT, REQUIRED, "What is the matter, in a few words.")
    pattern: str = option(_PATTERN, "", "RE2, searched in the failing line as lists show it.")
    test: str = option(TEXT, "", "Tests by Megatest's patterns, as NAME% or NAME%/ITEM%.")
    target: str = option(TEXT, "", "Targets by Megatest's patterns, as %/nfs/%.")
    area: str = option(TEXT, "", "Areas by Megatest's patterns.")
    until: date | None = option(DATE, None, "The last day; runs that begin later fail again.")
    link: str = option(WEB_ADDRESS, "", "Where it is dealt with, http or https.")
    owner: str = option(TEXT, "", "Who deals with it.")
    why: str = option(TEXT, "", "More about it, in Markdown; shown on the pages of tests.")
    place: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """12 hex of all that it says; where it stands is no part of it."""
        said = [getattr(self, one.name) for one in fields(self) if one.name != "place"]
        return hashlib.sha256(ascii([str(one) for one in said]).encode()).hexdigest()[:12]

    def is_over(self, event_time: int | None, zone: ZoneInfo) -> bool:
        """Whether a run that began then began after its last day; one without a time did not."""
        if self.until is None or event_time is None or self.until == date.max:
            return False
        day_after = self.until + timedelta(days=1)
        end = datetime(day_after.year, day_after.month, day_after.day, tzinfo=zone)
        return event_time >= end.timestamp()


class Annotations(Struct, frozen=True):
    """All rules of a site, by file and line; `mistakes` are those that can't be used."""

    rules: tuple[Annotation, ...] = ()
    mistakes: tuple[str, ...] = ()


def load_annotations(root: Path) -> Annotations:
    """The rules of the site whose mtsite.toml lies in `root`; none where there is no directory."""
    rules: dict[str, Annotation] = {}
    mistakes: list[str] = []
    for path in sorted((root / DIRECTORY).glob("*.toml")):
        for found in _read(path, mistakes):
            if found.id in rules:
                mistakes.append(f"{root / found.place}: stands in {rules[found.id].place} already")
            elif len(rules) >= MOST:
                mistakes.append(f"{root / found.place}: more than {MOST} rules; this is left out")
            else:
                rules[found.id] = found
    # They stand on a published page, where the site's directory says nothing to anybody.
    told = (one.removeprefix(f"{root}/") for one in mistakes)
    return Annotations(tuple(rules.values()), tuple(told))


def _read(path: Path, mistakes: list[str]) -> Iterator[Annotation]:
    """The rules of one file that can be used; what is wrong with the others is noted."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            mistakes.append(f"{path}: no file of at most {MOST_BYTES >> 20} MiB")
            return
        reader = TableReader(TomlFile(path))
    except ConfigError as error:
        mistakes.extend(error.mistakes)
        return
    tables = reader.file.tables
    for name, found in tables.items():
        if name != TABLE:
            reader.unknown((name,), found, [TABLE])
    given = tables.get(TABLE, [])
    if not isinstance(given, list):
        reader.mistake((TABLE,), f"expected tables, as [[{TABLE}]]")
        given = []
    yield from _rules(reader, path, given)
    mistakes.extend(reader.mistakes)


def _rules(reader: TableReader, path: Path, given: Sequence[object]) -> Iterator[Annotation]:
    for index, each in enumerate(given):
        key: KeyPath = (TABLE, index)
        before = len(reader.mistakes)
        found = Annotation(**reader.values(key, Annotation, reader.table(key, each)))
        if len(reader.mistakes) == before and not found.title.strip():
            reader.mistake((*key, "title"), "is empty")
        if len(reader.mistakes) == before and not (found.pattern or found.test or found.target):
            reader.mistake(key, "says of no failure which: give pattern, test or target")
        if len(reader.mistakes) == before:
            place = f"{DIRECTORY}/{path.name}:{reader.file.line(key)}"
            yield Annotation(**{**vars(found), "place": place})
