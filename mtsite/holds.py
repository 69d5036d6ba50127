"""`holds.toml` beside mtsite.toml: runs that stay whatever the rules say, with who, why and until.

The file is the user's: `mtsite hold` adds and removes tables as text, so that every other line,
comments included, stays as it was written.

    [[hold]]
    run = "fullrun/ubuntu/nfs/none/w01"    # its address, as it stands in the head of its page
    why = "release 1.66"
    who = "matt"
    until = 2026-12-31                     # the last day of it; without: for ever
"""

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from mtsite import atomicfile, urls
from mtsite.errors import ConfigError
from mtsite.model import RunKey
from mtsite.options import REQUIRED, TEXT, Kind, option, options_of, toml_text
from mtsite.tomlfile import KeyPath, TableReader, TomlFile

FILE_NAME = "holds.toml"
TABLE = "hold"
_LAST_ZONE = timedelta(hours=12)
_HEAD = "# Runs that stay, whatever the rules say; `mtsite hold add RUN --why …` adds one.\n"


def _date(value: object, _: Path) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if not isinstance(value, date):
        raise ValueError("expected a date without quotes, as 2026-12-31")
    return value


DATE = Kind("date", _date)


@dataclass(frozen=True)
class Hold:
    """One run that stays. `run` is its address; `until` its last day, None is for ever."""

    run: str = option(TEXT, REQUIRED, "Address of the run, as it stands in the head of its page.")
    why: str = option(TEXT, REQUIRED, "The reason, for whoever wonders why it is still there.")
    who: str = option(TEXT, "", "Who wants it kept.")
    until: date | None = option(DATE, None, "The last day on which it is held.")

    @property
    def ends(self) -> int | None:
        """When it ends, in Unix seconds: once that day is over everywhere; None: never."""
        if self.until is None:
            return None
        try:
            day_after = datetime.combine(self.until, datetime.min.time(), UTC) + timedelta(days=1)
            return int((day_after + _LAST_ZONE).timestamp())
        except OverflowError:
            return None

    def has_expired(self, now: int) -> bool:
        """Whether it ended by `now` (Unix seconds)."""
        return self.ends is not None and now >= self.ends

    def told(self) -> str:
        """The hold in words: 'held by matt until 2026-12-31: release 1.66'."""
        who = f" by {self.who}" if self.who else ""
        until = f" until {self.until.isoformat()}" if self.until else ""
        return f"held{who}{until}: {self.why}"


class Holds(Struct, frozen=True, dict=True):
    """All holds of a site, in the order of the file."""

    holds: tuple[Hold, ...] = ()

    def of(self, key: RunKey, now: int) -> Hold | None:
        """The hold on a run at `now` (Unix seconds) that lasts longest, None when there is none."""
        named = self._by_run.get("/".join((key.area, *key.target, key.runname)), ())
        if self._escaped:
            # Where nothing is escaped, name and address are the same.
            named = (*named, *self._escaped.get(urls.run_dir(key), ()))
        found = [one for one in named if not one.has_expired(now)]
        return max(found, key=lambda one: (one.until is None, one.until or date.min), default=None)

    @cached_property
    def _by_run(self) -> Mapping[str, Sequence[Hold]]:
        found: dict[str, list[Hold]] = {}
        for one in self.holds:
            found.setdefault(one.run, []).append(one)
        return found

    @cached_property
    def _escaped(self) -> Mapping[str, Sequence[Hold]]:
        return {run: some for run, some in self._by_run.items() if "~" in run}

    def expired(self, now: int) -> tuple[Hold, ...]:
        """Those that ended by `now` (Unix seconds): they keep nothing any more."""
        return tuple(one for one in self.holds if one.has_expired(now))


def load_holds(root: Path) -> Holds:
    """The holds of the site whose mtsite.toml lies in `root`; none when there is no file.

    Raises:
        ConfigError: every mistake in the file; a hold that can't be read must not let a run go.
    """
    path = root / FILE_NAME
    if not path.exists():
        return Holds()
    return Holds(_read(TomlFile(path)))


def add_hold(root: Path, hold: Hold) -> Holds:
    """Write one more hold, after all that is in the file; an equal one is there once.

    Raises:
        ConfigError: as `load_holds`; the file stays as it was.
    """
    held = load_holds(root)
    if hold in held.holds:
        return held
    text = _text(root) or _HEAD
    separator = "" if text.endswith("\n") else "\n"
    return _replace(root, f"{text}{separator}\n{_written(hold)}", (*held.holds, hold))


def remove_holds(root: Path, run: str) -> tuple[Hold, ...]:
    """Take the holds of a run out of the file; what was there comes back, () when there was none.

    Raises:
        ConfigError: as `load_holds`, or the hold is written in a way that only its author can
            edit; the file stays as it was.
    """
    held = load_holds(root).holds
    removed = tuple(one for one in held if one.run == run)
    if removed:
        file = TomlFile(root / FILE_NAME)
        doomed = [index for index, one in enumerate(held) if one.run == run]
        lines = _without(_text(root).splitlines(keepends=True), file, doomed)
        _replace(root, "".join(lines), tuple(one for one in held if one.run != run))
    return removed


def this_user() -> str:
    """The name that stands as `who`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _read(file: TomlFile) -> tuple[Hold, ...]:
    reader = TableReader(file)
    for name, found in file.tables.items():
        if name != TABLE:
            reader.unknown((name,), found, [TABLE])
    given: Any = file.tables.get(TABLE, [])
    holds = []
    if not isinstance(given, list):
        reader.mistake((TABLE,), "expected tables, as [[hold]]")
        given = []
    for index, each in enumerate(given):
        key: KeyPath = (TABLE, index)
        hold = Hold(**reader.values(key, Hold, reader.table(key, each)))
        for name in ("run", "why"):
            if getattr(hold, name) == "":
                reader.mistake((*key, name), "is empty")
        holds.append(replace(hold, run=_address(hold.run)))
    if reader.mistakes:
        raise ConfigError(reader.mistakes, f"correct {file.path}; until then nothing is let go")
    return tuple(holds)


def _address(run: str) -> str:
    return run.strip("/") if isinstance(run, str) else run


def _written(hold: Hold) -> str:
    lines = [f"[[{TABLE}]]"]
    for name, each in options_of(Hold).items():
        value = getattr(hold, each.attribute)
        if isinstance(value, date):
            lines.append(f"{name} = {value.isoformat()}")
        elif value:
            lines.append(f"{name} = {toml_text(value)}")
    return "\n".join(lines) + "\n"


def _without(lines: list[str], file: TomlFile, doomed: Sequence[int]) -> list[str]:
    """The lines without some tables; a comment above the table that follows stays with it."""
    starts = sorted(file.line((TABLE, i)) - 1 for i in range(len(file.tables[TABLE])))
    starts.append(len(lines))
    gone: set[int] = set()
    for index in doomed:
        first = file.line((TABLE, index)) - 1
        last = starts[starts.index(first) + 1]
        while last < len(lines) and last > first and lines[last - 1].lstrip().startswith("#"):
            last -= 1
        gone.update(range(first, last))
    return [line for number, line in enumerate(lines) if number not in gone]


def _text(root: Path) -> str:
    try:
        return (root / FILE_NAME).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""


def _replace(root: Path, text: str, meant: tuple[Hold, ...]) -> Holds:
    """Put the text in its place if it says what is meant."""
    path = root / FILE_NAME
    unfinished = root / f".{FILE_NAME}.new"
    atomicfile.write(unfinished, text.encode())
    try:
        found = _read(TomlFile(unfinished))
    except ConfigError:
        found = None
    finally:
        unfinished.unlink(missing_ok=True)
    if found != meant:
        raise ConfigError([f"{path}: its holds are written in a way that can't be edited here"],
                          f"edit {path} by hand: one [[{TABLE}]] per run")  # fmt: skip
    atomicfile.write_durable(path, text.encode())
    return Holds(meant)
