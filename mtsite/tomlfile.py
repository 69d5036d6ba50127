"""A TOML file as tables, the line of each key (tomllib doesn't say), and reading declared options.

`TableReader` goes through the tables of one file by declared options and collects every mistake.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mtsite.errors import ConfigError
from mtsite.options import NO_SECRETS, REQUIRED, Option, options_of, toml_key, without_dots

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]++|\#[^\n]*+)
      | (?P<newline>\n)
      | (?P<quoted>\"{3}(?:[^\\]|\\.)*?\"{3,5} | '{3}.*?'{3,5}
                  | \"(?:[^\"\\\n]|\\.)*+\" | '[^'\n]*+')
      | (?P<mark>[\[\]{}=.,])
      | (?P<bare>[^\s\[\]{}=.,\#\"']++|.)""",
    re.VERBOSE | re.DOTALL,
)
_SECRET = re.compile(r"secret|passw|token|credential|(?:access|api|private)[_-]?key", re.IGNORECASE)
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


class TomlFile:
    """The tables of a file; `line(("areas", "fullrun", "path"))` is where that key stands.

    Raises:
        ConfigError: the file can't be read or isn't TOML; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        text = _read(path)
        try:
            self.tables: dict[str, Any] = tomllib.loads(text)
        except (ValueError, RecursionError) as wrong:
            hint = (
                "correct that line, or what stands above it; `mtsite init -n` prints a whole file"
            )
            raise ConfigError([_message(path, wrong, text)], hint) from None
        self._lines = _key_lines(text)

    def line(self, key: KeyPath) -> int:
        """The line (from 1) of a key, or of the closest table around it; 1 when none is known."""
        while key:
            if key in self._lines:
                return self._lines[key]
            key = key[:-1]
        return 1


class Given(NamedTuple):
    """A value as it was given: where, what, and the directory that a relative path starts from."""

    origin: str
    value: object
    base: Path


class TableReader:
    """Reads tables by declared options; collects values' origins and all mistakes."""

    def __init__(self, file: TomlFile) -> None:
        self.file = file
        self.root = without_dots(file.path.absolute().parent)
        self.origins: dict[str, str] = {}
        self._mistakes: list[tuple[float, str]] = []

    @property
    def mistakes(self) -> list[str]:
        """All mistakes, by line; those of variables and flags last."""
        return [text for _, text in sorted(self._mistakes, key=lambda noted: noted[0])]

    def mistake(self, key: KeyPath, reason: str) -> None:
        """Note what is wrong with a key of the file."""
        text = f"{self._place(key)}: {dotted(key)}: {reason}"
        self._mistakes.append((self.file.line(key), text))

    def _mistake_outside(self, origin: str, reason: str) -> None:
        self._mistakes.append((math.inf, f"{origin}: {reason}"))

    def table(self, key: KeyPath, found: object) -> Mapping[str, Any]:
        """What was found, if it is a table; an empty one and a mistake otherwise."""
        if isinstance(found, Mapping):
            return found
        self.mistake(key, f"expected a table, as [{dotted(key)}]")
        return {}

    def unknown(self, key: KeyPath, found: object, known: Iterable[str]) -> None:
        """Note a key or section that nobody declared, or the secrets in it."""
        if secrets := list(_secrets(key, found)):
            for secret in secrets:
                self.mistake(secret, f"looks like a secret; {NO_SECRETS}")
            return
        what = "section" if isinstance(found, Mapping) else "key"
        self.mistake(key, f"there is no such {what}{suggestion(str(key[-1]), known)}")

    def values(
        self,
        key: KeyPath,
        section: type,
        table: Mapping[str, Any],
        overrides: Mapping[str, Given] | None = None,
    ) -> dict[str, Any]:
        """The values of one table by attribute of its dataclass; a value that is wrong is None."""
        options = options_of(section)
        for name, found in table.items():
            if name not in options:
                self.unknown((*key, name), found, options)
        values: dict[str, Any] = {}
        for name, each in options.items():
            where = (*key, name)
            given = Given("default", each.default, self.root)
            if overrides and name in overrides:
                given = overrides[name]
            elif name in table:
                given = Given(self._place(where), table[name], self.root)
            self.origins[dotted(where)] = given.origin
            values[each.attribute] = self._value(where, each, given)
        return values

    def overrides(
        self, section_name: str, section: type, environ: Mapping[str, str], flags: Mapping[str, str]
    ) -> dict[str, Given]:
        """What MTSITE_SECTION_KEY variables and flags ("section.key") say about a section."""
        options = options_of(section)
        found: dict[str, Given] = {}
        prefix = f"MTSITE_{section_name}_".upper()
        for variable in sorted(each for each in environ if each.startswith(prefix)):
            name = variable.removeprefix(prefix).lower()
            origin = f"environment {variable}"
            if name in options:
                value = options[name].kind.of_text(environ[variable])
                found[name] = Given(origin, value, Path.cwd())
            elif _SECRET.search(name):
                self._mistake_outside(origin, f"looks like a secret; {NO_SECRETS}")
            else:
                known = suggestion(name, options)
                self._mistake_outside(origin, f"there is no such setting{known}")
        for name, each in options.items():
            if (text := flags.get(f"{section_name}.{name}")) is not None:
                found[name] = Given("command line", each.kind.of_text(text), Path.cwd())
        return found

    def note_origins(self, key: KeyPath, found: object) -> None:
        """Note where each value below a key stands that is a table of the user's own."""
        if isinstance(found, Mapping):
            for name, inner in found.items():
                self.note_origins((*key, str(name)), inner)
        elif found is not None:
            self.origins[dotted(key)] = self._place(key)

    def _value(self, key: KeyPath, each: Option, given: Given) -> Any:
        if given.value is None:
            return None
        if given.value is REQUIRED:
            self.mistake(key, f"is missing: {each.sentence}")
            return None
        try:
            return each.kind.read(given.value, given.base)
        except ValueError as wrong:
            if given.base is self.root:
                self.mistake(key, str(wrong))
            else:
                self._mistake_outside(given.origin, f"{dotted(key)}: {wrong}")
            return None

    def _place(self, key: KeyPath) -> str:
        return f"{self.file.path}:{self.file.line(key)}"


def dotted(key: KeyPath) -> str:
    """A key path as TOML writes it, with [0] for the number of a table in an array."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{toml_key(part)}" for part in key]
    return "".join(parts).removeprefix(".")


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that isn't known."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f'; did you mean "{close[0]}"?' if close else f" (known: {', '.join(names)})"


def _secrets(key: KeyPath, found: object) -> Iterator[KeyPath]:
    """The keys with and below this one that look like secrets."""
    if isinstance(found, Mapping):
        for name, inner in found.items():
            yield from _secrets((*key, name), inner)
    elif isinstance(found, list) and any(isinstance(inner, Mapping) for inner in found):
        for index, inner in enumerate(found):
            yield from _secrets((*key, index), inner)
    elif _SECRET.search(str(key[-1])):
        yield key


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as trouble:
        reason = getattr(trouble, "strerror", None) or str(trouble)
        hint = f"look at its rights: `ls -l {path}`"
        if isinstance(trouble, IsADirectoryError):
            hint = f"name the file: {path / 'mtsite.toml'}"
        elif isinstance(trouble, FileNotFoundError):
            hint = "`mtsite init AREA_DIR` writes one"
        raise ConfigError([f"{path}: can't be read: {reason}"], hint) from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        raise ConfigError([f"{path}:{line}: this line is not UTF-8"]) from None


def _message(path: Path, wrong: Exception, text: str) -> str:
    reason = str(wrong) or "nested too deeply"
    if found := _AT_LINE.search(reason):
        return f"{path}:{found[1]}: not TOML: {reason[: found.start()]}"
    reason = reason.removesuffix(" (at end of document)")
    return f"{path}:{text.rstrip().count(chr(10)) + 1}: not TOML: {reason}"


def _key_lines(text: str) -> dict[KeyPath, int]:
    """Key path → line. Keys inside arrays and inline tables are left to the key they belong to."""
    lines: dict[KeyPath, int] = {}
    arrays: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, brackets, parts in _statements(text):
        if brackets == 2:
            array = (*_inside(parts[:-1], arrays), parts[-1])
            arrays[array] = arrays.get(array, -1) + 1
            table = (*array, arrays[array])
        elif brackets:
            table = _inside(parts, arrays)
        key = table if brackets else (*table, *parts)
        for length in range(len(key), 0, -1):
            lines.setdefault(key[:length], line)
    return lines


def _inside(parts: Sequence[str], arrays: dict[KeyPath, int]) -> KeyPath:
    """The key path of a header, which goes into the newest table of an array of tables."""
    key: KeyPath = ()
    for part in parts:
        key = (*key, part)
        if key in arrays:
            key = (*key, arrays[key])
    return key


def _statements(text: str) -> list[tuple[int, int, list[str]]]:
    """Each header and key of a text that is TOML: line, brackets (0 to 2), key parts."""
    found: list[tuple[int, int, list[str]]] = []
    line, first, brackets, depth = 1, 1, 0, 0
    parts: list[str] = []
    in_value = False
    for token in _TOKEN.finditer(text):
        kind, told = token.lastgroup, token[0]
        if kind == "newline" and depth == 0:
            if parts:
                found.append((first, brackets, parts))
            parts, brackets, in_value = [], 0, False
        elif in_value and kind == "mark":
            depth += (told in "[{") - (told in "]}")
        elif not in_value and kind == "mark":
            in_value = told == "="
            brackets += told == "["
        elif not in_value and kind in {"bare", "quoted"}:
            first = first if parts else line
            parts.append(told if kind == "bare" else tomllib.loads(f"k={told}")["k"])
        line += told.count("\n")
    if parts:
        found.append((first, brackets, parts))
    return found
