"""The look at the end: is any original word left anywhere in the copy?

Every byte of every file is looked at, packed ones unpacked; of databases every value of a long row,
too, since it lies on several pages. Names of files and directories count as well.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import chain
from pathlib import Path

from msgspec import Struct

from mtsite.anonymize.files import text_of
from mtsite.anonymize.rows import MAGIC
from mtsite.anonymize.scrub import counts_here
from mtsite.anonymize.words import ANYWHERE, most_specific_first
from mtsite.megatest.schema import quote
from mtsite.regex import Pattern, compile_bytes

MOST = 20
_OVERLAP = 4096
_WORDS_AT_A_TIME = 2000
_SURELY_ON_ONE_PAGE = 100
"""Characters of a row that fit even the smallest page of SQLite."""

_BORDER = b"\n\0\n"


class Leak(Struct, frozen=True):
    """A word that is left, and in which file of the copy."""

    path: str
    word: str


def find_leaks(root: Path, originals: Mapping[bytes, str], secrets: Iterable[bytes]) -> list[Leak]:
    """The first leaks below a directory; `originals` says where each word counts.

    `secrets` are bytes that count anywhere: the key.
    """
    looked = dict(originals) | dict.fromkeys((one.lower() for one in secrets if one), ANYWHERE)
    patterns = list(_patterns(looked))
    leaks: list[Leak] = []
    for path in sorted(root.rglob("*")):
        shown = path.relative_to(root)
        # The place that was asked for may have any name; what was made below it may not.
        found = _in_pieces([str(shown).encode("utf-8", "surrogateescape")], patterns, looked)
        if path.is_file() and not path.is_symlink():
            found |= _in_pieces(_pieces(path), patterns, looked)
        leaks += [Leak(str(shown), word.decode("utf-8", "replace")) for word in sorted(found)]
        if len(leaks) >= MOST:
            break
    return leaks[:MOST]


def _patterns(words: Mapping[bytes, str]) -> Iterator[Pattern]:
    ordered = most_specific_first(words)
    for start in range(0, len(ordered), _WORDS_AT_A_TIME):
        few = ordered[start : start + _WORDS_AT_A_TIME]
        yield compile_bytes(b"(?i:" + b"|".join(map(_literal, few)) + b")")


def _literal(word: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in word)


def _pieces(path: Path) -> Iterator[bytes]:
    yield from text_of(path)
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return
    yield b""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            table = name.decode("utf-8", "surrogateescape")
            cursor = connection.execute(_long_rows(connection, table))
            while rows := cursor.fetchmany(1000):
                yield _BORDER.join(chain.from_iterable(rows))
                yield b""


def _long_rows(connection: sqlite3.Connection, table: str) -> str:
    """The rows that may lie on several pages: of all others every value is whole in the file."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({quote(table)})")]
    names = [quote(name.decode("utf-8", "surrogateescape")) for name in columns]
    size = " + ".join(f"coalesce(length({name}), 0)" for name in names)
    told = [f"CASE WHEN typeof({n}) IN ('text', 'blob') THEN {n} ELSE x'' END" for n in names]
    return f"SELECT {', '.join(told)} FROM {quote(table)} WHERE {size} > {_SURELY_ON_ONE_PAGE}"


def _in_pieces(
    pieces: Iterable[bytes], patterns: list[Pattern], words: Mapping[bytes, str]
) -> set[bytes]:
    """The words in a text that comes in pieces; an empty piece means that another text begins."""
    found: set[bytes] = set()
    tail, at = b"", 0
    for piece in chain(pieces, [b""]):
        content = tail + piece
        # What touches the end may go on: it is looked at with what follows, or when nothing does.
        span = at, len(content) - bool(piece)
        for pattern in patterns:
            found.update(_words_in(content, span, pattern, words))
        # A word at the cut was seen; what stands there tells of the next whether it begins one.
        tail, at = (content[-_OVERLAP:], int(len(content) > _OVERLAP)) if piece else (b"", 0)
    return found


def _words_in(
    content: bytes, span: tuple[int, int], pattern: Pattern, words: Mapping[bytes, str]
) -> Iterator[bytes]:
    at, stop = span
    while match := pattern.search(content, at):
        start, end = match.span()
        longest = content[start : min(end, stop)].lower()
        # Where the longest word goes on and so doesn't count, a shorter one may.
        for length in range(len(longest), 0, -1):
            word = longest[:length]
            if word in words and counts_here(words[word], content, start, start + length):
                yield word
                return
        at = start + 1
