"""The verb `anonymize_area`: gather words, copy with them replaced, look for what is left."""

import errno
import os
import re
import secrets
import shutil
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from mtsite.anonymize.columns import HOST, USER
from mtsite.anonymize.files import (
    BINARY,
    DATABASE,
    Copied,
    copy_file,
    files_below,
    kind_of,
    text_of,
)
from mtsite.anonymize.leaks import Leak, find_leaks
from mtsite.anonymize.rows import columns_of, tables_of, values_of
from mtsite.anonymize.scrub import Scrubber, homes_in
from mtsite.anonymize.words import KEPT, Dictionary, Pseudonyms
from mtsite.config import AreaConfig
from mtsite.errors import (
    DamagedLogError,
    DestinationError,
    MtsiteError,
    UsageError,
    VerificationError,
)
from mtsite.logs.redact import make_redactor
from mtsite.megatest.area import Area, open_area
from mtsite.megatest.database import reading

SHORTEST_KEY = 16
LINKTREE = "lt"
_LEFT_BEHIND = re.compile(
    r"\.(?:homehost|megatest.*|ready-megatest.*|mtsite.*|git)|.*\.swp|core(?:\.\d+)?"
)
_LINKTREE_LINE = re.compile(rb"(?m)^([ \t]*)linktree[ \t].*$")
_HOME_OF_CONFIG = "megatest.config"


class Wishes(Struct, frozen=True):
    """What a caller may ask for: more words to replace, and words that stay."""

    words: Sequence[str] = ()
    keep: Sequence[str] = ()


class PlannedColumn(Struct, frozen=True):
    """What is done to one column: its rule, and in how many rows of all databases."""

    table: str
    column: str
    rule: str
    rows: int


class Anonymized(Struct):
    """What a copy is made of; `words` counts what is replaced by kind."""

    columns: list[PlannedColumn] = field(default_factory=list)
    words: Mapping[str, int] = field(default_factory=dict)
    spared: Sequence[str] = ()
    files: int = 0
    databases: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    text_bytes: int = 0
    left_out: Sequence[tuple[str, str]] = ()
    originals: int = 0


Report = Callable[[str, int, int], None]


def read_key(path: Path | None) -> bytes:
    """The key of the pseudonyms; without a file a new one that nobody keeps.

    Raises:
        UsageError: others can read it, it is too short, or it is not there.
    """
    if path is None:
        return secrets.token_bytes(32)
    try:
        found = path.stat()
        key = path.read_bytes().strip()
    except OSError as error:
        hint = f"head -c 32 /dev/urandom | base64 > {path} && chmod 600 {path}"
        raise UsageError(f"key file {path}: {error.strerror}", hint) from error
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise UsageError(f"key file {path} can be read by others", f"chmod 600 {path}")
    if len(key) < SHORTEST_KEY:
        raise UsageError(f"key file {path} is shorter than {SHORTEST_KEY} bytes", "a longer one")
    return key


def plan_copy(source: Path, wishes: Wishes) -> Anonymized:
    """What is done to which column, how many words are replaced, and which values stay.

    Raises:
        MissingError, ConfigError, AreaUnreadableError: the source is no area that can be read.
    """
    area, files = _look(source)
    dictionary, _damaged = _gather(area, files, Pseudonyms(b"", _kept(wishes)), wishes)
    return Anonymized(
        columns=_planned_columns(files),
        words=dict(sorted(dictionary.counts.items())),
        spared=sorted(dictionary.spared),
        files=len(files),
    )


def anonymize_area(
    source: Path, target: Path, key: bytes, wishes: Wishes, report: Report
) -> Anonymized:
    """Make the copy; it is there when this returns, and otherwise taken away again.

    Raises:
        UsageError: `target` lies in the source, or is not empty.
        VerificationError: a word was left somewhere.
        DestinationError: no room.
        MissingError, ConfigError, AreaUnreadableError: the source is no area that can be read.
    """
    _check_target(source, target)
    area, files = _look(source)
    pseudonyms = Pseudonyms(key, _kept(wishes))
    dictionary, damaged = _gather(area, files, pseudonyms, wishes)
    scrubber = Scrubber(pseudonyms, dictionary, make_redactor(["default"]))
    copied = Copied(left_out=[(str(path), "it doesn't unpack") for path in damaged])
    made = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for done, (path, shown) in enumerate(files, start=1):
            if path not in damaged:
                copy_file(path, target / _new_name(shown, scrubber), scrubber, copied)
            report("files", done, len(files))
        _settle_linktree(target)
        report("looking for what is left", 0, 0)
        leaks = find_leaks(target, pseudonyms.originals, [key])
    except BaseException as error:
        _take_away(target, made=made)
        raise _told(error, target) from error
    if leaks:
        _take_away(target, made=made)
        raise _leaked(leaks)
    return Anonymized(
        columns=_planned_columns(files),
        words=dict(sorted(dictionary.counts.items())),
        spared=sorted(dictionary.spared),
        files=copied.files,
        databases=copied.databases,
        rows=dict(sorted(copied.rows.items())),
        text_bytes=copied.text_bytes,
        left_out=copied.left_out,
        originals=len(pseudonyms.originals),
    )


def _kept(wishes: Wishes) -> frozenset[str]:
    return KEPT | {word.lower() for word in wishes.keep}


def _check_target(source: Path, target: Path) -> None:
    here, there = source.resolve(), target.resolve()
    if there.is_relative_to(here) or here.is_relative_to(there):
        raise UsageError(f"{target} and {source} lie in each other", "name another place")
    if there.exists() and (not there.is_dir() or any(there.iterdir())):
        raise UsageError(f"{target} is there and not empty", "name a new directory")


Files = list[tuple[Path, Path]]
"""(file, its path in the copy before names are replaced)."""


def _look(source: Path) -> tuple[Area, Files]:
    area = open_area(AreaConfig(name=source.resolve().name, path=source.resolve()), {})
    root = Path(os.path.realpath(area.path))
    linktree = Path(os.path.realpath(area.linktree)) if area.linktree else root / LINKTREE
    inside = (root, linktree, *(Path(os.path.realpath(disk)) for disk in area.disks))
    own = [
        (path, shown)
        for path, shown in files_below(root, (root,))
        if not _is_below(path, linktree) and not _is_left_behind(shown)
    ]
    logs = files_below(linktree, inside) if linktree.is_dir() else iter(())
    taken = {path for path, _ in own}
    return area, [
        *own,
        *(
            (path, Path(LINKTREE) / shown)
            for path, shown in logs
            if path not in taken and not _is_left_behind(shown)
        ),
    ]


def _is_below(path: Path, directory: Path) -> bool:
    return path.is_relative_to(directory)


def _is_left_behind(shown: Path) -> bool:
    return any(_LEFT_BEHIND.fullmatch(part) for part in shown.parts)


def _databases(files: Files) -> Iterator[Path]:
    return (path for path, _ in files if path.is_file() and kind_of(path)[0] == DATABASE)


def _gather(
    area: Area, files: Files, pseudonyms: Pseudonyms, wishes: Wishes
) -> tuple[Dictionary, dict[Path, None]]:
    """Every user and host of every database, the directories of the area, and further words.

    With it the files that don't unpack to their end: what they hold can't be looked at.
    """
    found = Dictionary()
    damaged: dict[Path, None] = {}
    for path in _databases(files):
        for rule in (USER, HOST):
            for value in sorted(values_of(path, rule)):
                found.add(pseudonyms, rule, value)
    # A user that only a path names is replaced wherever the name stands, too.
    for path, _ in files:
        try:
            for value in _users_in(path):
                found.add(pseudonyms, USER, value)
        except DamagedLogError:
            damaged[path] = None
    for directory in (area.path, area.linktree, *area.disks):
        if directory is not None:
            found.add_directory(pseudonyms, str(directory))
    for word in wishes.words:
        found.add(pseudonyms, "word", word.encode("utf-8", "surrogateescape"))
    return found, damaged


def _users_in(path: Path) -> Iterator[bytes]:
    if path.is_file() and kind_of(path)[0] != BINARY:
        for block in text_of(path):
            yield from homes_in(block)


def _planned_columns(files: Files) -> list[PlannedColumn]:
    rows: Counter[tuple[str, str, str]] = Counter()
    for path in _databases(files):
        with reading(path) as connection:
            for table in tables_of(connection):
                (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
                for column, rule, can in columns_of(connection, table):
                    if can:
                        rows[table, column, rule] += count
    return [PlannedColumn(*names, count) for names, count in sorted(rows.items())]


def _new_name(shown: Path, scrubber: Scrubber) -> Path:
    """Each part for itself, as the rows that name it are."""
    return Path(*(_plain_name(scrubber.text(part)) for part in shown.parts))


def _plain_name(name: str) -> str:
    return name.replace("/", "-") if name not in ("", ".", "..") else "x"


def _settle_linktree(target: Path) -> None:
    """The copy's linktree is lt in it: a line that names another place is made a comment."""
    path = target / _HOME_OF_CONFIG
    if path.exists():
        times = path.stat()
        content = path.read_bytes()
        path.write_bytes(_LINKTREE_LINE.sub(rb"\1# linktree: lt, beside this file", content))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _take_away(target: Path, *, made: bool) -> None:
    if made:
        shutil.rmtree(target, ignore_errors=True)
        return
    for path in target.iterdir():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _told(error: BaseException, target: Path) -> BaseException:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (isinstance(error, sqlite3.OperationalError) and "full" in str(error)):
        return DestinationError(f"no room for the copy at {target}", "it was taken away again")
    if isinstance(error, OSError):
        where = error.filename or target
        return MtsiteError(f"{where}: {error.strerror}", "the copy was taken away again")
    return error


def _leaked(leaks: Sequence[Leak]) -> VerificationError:
    lines = [f"{one.path}: {one.word}" for one in leaks]
    return VerificationError(
        "\n".join(["words were left in the copy, so it was taken away:", *lines]),
        "keep a word that says nothing with --keep, or tell us: this should not happen",
    )
