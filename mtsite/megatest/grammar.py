"""From lines to sections: joining, classifying, continuing, including, wildcard sections.

Physical lines are joined at backslashes, `#{…}` forms are expanded wherever they stand, then the
line is classified. All sizes, depths and numbers are bounded: the files are anybody's.
"""

import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NoReturn

from msgspec import Struct, field

from mtsite.megatest import expand
from mtsite.megatest.lines import (
    is_inside,
    joined,
    printable,
    read_regular,
    reason_of,
    shown,
)
from mtsite.regex import Pattern, compile_bytes

Kind = Literal["megatest", "runconfigs", "testconfig"]
Place = tuple[Path, int]

TOTAL_CHARACTERS = 64 << 20
FILES = 1000
DEPTH = 50
PROBLEMS = 200
WILDCARD_COST = 64
"""Each section that a wildcard looks at or writes to counts as so many characters read."""

_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_BLANKS = " \t\n\v\f\r"
_SETTING = re.compile(r"configf:settings\s+(\S+)\s+(\S+)", re.ASCII)
_INCLUDE = re.compile(r"include\s+(.*)", re.ASCII | re.DOTALL)
_SCRIPT = re.compile(r"scriptinc\s++(\S++)([^\]]*+)", re.ASCII)
_KEY = re.compile(r"(\S++)(\s*+)(.*)", re.ASCII | re.DOTALL)
_SYSTEM = re.compile(r"\[system\s+(\S.*)\]", re.ASCII | re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Stop(Exception):
    """Enough was read; the problem that says so is noted already."""


class Terms(Struct, frozen=True):
    """What one read knows beforehand, and what it may do.

    `environ` is all that `#{getenv …}` sees; with `closed` it is only a part of what Megatest
    would have, so that a variable that isn't there is unknown instead of `#f`. `given` stand in for
    values of the file, (section, key) → value. Includes must lie below `roots` (real paths; None:
    anywhere).
    """

    kind: Kind
    area_path: Path
    target: tuple[str, ...]
    environ: Mapping[str, str]
    given: Mapping[tuple[str, str], str] = field(default_factory=dict)
    roots: tuple[Path, ...] | None = None
    allow_commands: bool = False
    closed: bool = False


class Parse:
    """The state of one parse over all included files."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.kind = terms.kind
        self.area_path = terms.area_path
        self.target_section = "/".join(terms.target)
        self.environment = dict(terms.environ)
        self.scope = expand.Scope(
            terms.area_path,
            self.environment,
            self._lookup,
            self.target_section,
            terms.allow_commands,
            terms.closed,
        )
        self.sections: dict[str, dict[str, str]] = {}
        self.problems: list[str] = []
        self.places: dict[tuple[str, str], list[Place]] = {}
        self.kept: dict[tuple[str, str], str] = {}
        self.included: list[Path] = []
        self.missing: list[tuple[Place, Path]] = []
        self.trim = False
        self.headers = 0
        self.files = 0
        self.characters = 0
        self.open_files: list[str] = []
        self.section = "default"
        self.place: Place = (terms.area_path, 0)
        self.key: str | None = None
        self.pieces: list[str] = []
        self.indent: str | None = None
        if self.kind == "runconfigs" and self.target_section:
            self.sections[self.target_section] = {}

    # -- files and lines -----------------------------------------------------------------------

    def read_top(self, path: Path) -> bool:
        """Read the file and all that it includes; False when it isn't there or can't be read."""
        self.place = (path, 0)
        try:
            self._read_lines(self._content(path), path, "default")
        except (OSError, ValueError) as trouble:
            self._problem(reason_of(path, trouble))
            return False
        except _Stop:
            self._flush()
        self._add_given()
        if not self.headers and self.sections.get("default"):
            self.place = (path, 1)
            self._problem("no [section] in this file: is it a config file?")
        return True

    def _add_given(self) -> None:
        """Values that stand in for some that no line of the file sets."""
        for (section, key), value in self.terms.given.items():
            self.sections.setdefault(section, {}).setdefault(key, value)

    def _read_include(self, path: Path, section: str) -> None:
        self.included.append(path)
        try:
            if not is_inside(path, self.terms.roots):
                raise ValueError("it lies outside the area and the run directory")
            content = self._content(path)
        except (OSError, ValueError) as trouble:
            if getattr(trouble, "errno", None) in _MISSING:
                self.missing.append((self.place, path))
            else:
                self._problem(reason_of(path, trouble))
            return
        self._read_lines(content, path, section)

    def _content(self, path: Path) -> str:
        if os.path.realpath(path) in self.open_files:
            raise ValueError("it includes itself, directly or through another file")
        raw = read_regular(path)
        try:
            return raw.decode()
        except UnicodeDecodeError as wrong:
            includer = self.place
            self.place = (path, raw.count(b"\n", 0, wrong.start) + 1)
            self._problem("bytes that are not UTF-8; they were kept")
            self.place = includer
            return raw.decode("utf-8", "surrogateescape")

    def _read_lines(self, content: str, path: Path, section: str) -> None:
        self.files += 1
        if self.files > FILES or len(self.open_files) >= DEPTH:
            self._stop(f"more than {FILES} includes, or includes nested deeper than {DEPTH}")
        self.open_files.append(os.path.realpath(path))
        self.section = section
        for number, line in joined(content):
            self.place = (path, number)
            self._count(len(line))
            if len(line) > expand.LINE_CHARACTERS:
                self._problem(f"a line of more than {expand.LINE_CHARACTERS} characters, ignored")
            elif "\0" in line:
                self._problem("a line with NUL bytes, ignored: is this a config file?")
            else:
                self._read_line(line)
        self._close_section()
        self.open_files.pop()

    def _count(self, characters: int) -> None:
        self.characters += characters
        if self.characters > TOTAL_CHARACTERS:
            self._stop(f"more than {TOTAL_CHARACTERS >> 20} million characters")

    def _stop(self, reason: str) -> NoReturn:
        self._problem(f"{reason}; the rest was not read")
        raise _Stop

    def _read_line(self, raw: str) -> None:
        line, form = raw, ""
        if "#{" in raw:
            expanded = expand.expand(raw, self.scope, muted=self._is_muted())
            if expanded.problem:
                self._problem(expanded.problem)
                return
            line, form = expanded.text, expanded.kept
            self._count(len(line))
        if self.trim:
            line = line.rstrip(_BLANKS)
        self._classify(line, form)

    def _is_muted(self) -> bool:
        if self.kind != "runconfigs" or not self.target_section:
            return False
        return self.section not in {"default", self.target_section}

    # -- what a line is ------------------------------------------------------------------------

    def _classify(self, line: str, form: str) -> None:
        text = line.strip(_BLANKS)
        if not text or text[0] == "#":
            self._flush()
        elif line[0] in _BLANKS:
            self._continue(line, text, form)
        elif text[0] == "[" and text[-1] == "]":
            self._flush()
            self._bracket(text[1:-1], form)
        else:
            self._flush()
            self._key_line(line, form)

    def _bracket(self, inner: str, form: str) -> None:
        if setting := _SETTING.fullmatch(inner):
            if setting[1] == "trim-trailing-spaces":
                self.trim = setting[2] != "no"
        elif include := _INCLUDE.fullmatch(inner):
            self._include(include[1].strip(_BLANKS), form)
        elif script := _SCRIPT.fullmatch(inner):
            self._include_output(script[1] + script[2], form)
        else:
            self.headers += 1
            self._close_section()
            self.section = inner
            self.sections.setdefault(inner, {})

    def _include(self, name: str, form: str) -> None:
        if form:
            self._problem(f"the name of an include {expand.why_unknown(form)}")
            return
        place, section = self.place, self.section
        self._read_include(place[0].parent / name, section)
        self.place, self.section = place, section

    def _include_output(self, command: str, form: str) -> None:
        if form or not self.scope.allow_commands:
            self._problem("a scriptinc that was not run: commands of this area are not allowed")
            return
        code, lines = expand.run_command(command, self.area_path, self.environment)
        if code:
            self._problem(f"a scriptinc failed with exit code {code}")
        place, section = self.place, self.section
        self._read_lines("\n".join(lines), self.area_path / command.split()[0], section)
        self.place, self.section = place, section

    def _key_line(self, line: str, form: str) -> None:
        found = _KEY.match(line)
        if found is None:
            self._problem("a line that is neither section, key, comment nor continuation")
            return
        key, blanks, rest = found.groups()
        if key[0] == "[":
            self._problem('a line that begins with "[" and is no section; read as a key')
        system = _SYSTEM.fullmatch(rest.rstrip(_BLANKS))
        if system:
            self._system(key, system[1], rest.rstrip(_BLANKS), form)
            return
        value = rest or blanks
        self._set(key, value, form)
        self._export(key)
        if (self.section, key) not in self.terms.given:
            self.key, self.pieces, self.indent = key, [value], None

    def _system(self, key: str, command: str, text: str, form: str) -> None:
        known = (self.section, key) in self.terms.given
        if form or known or not self.scope.allow_commands or self._is_muted():
            self._set(key, text, form or "system")
            return
        code, lines = expand.run_command(command, self.area_path, self.environment)
        if code in {124, 127}:
            self._problem(f"the command of {shown(key)} could not be run or took too long")
        self._set(key, " ".join(lines), "")

    def _continue(self, line: str, text: str, form: str) -> None:
        if self.key is None:
            return
        blanks = line[: len(line) - len(line.lstrip(_BLANKS))]
        if self.indent is None:
            self.indent, blanks = blanks, ""
        self.pieces.append(blanks.replace(self.indent, "", 1) + line.lstrip(_BLANKS))
        if form:
            self.kept[self.section, self.key] = form

    # -- values --------------------------------------------------------------------------------

    def _set(self, key: str, value: str, form: str) -> None:
        values = self.sections.setdefault(self.section, {})
        values.pop(key, None)
        if (given := self.terms.given.get((self.section, key))) is not None:
            value, form = given, ""
        values[key] = value
        self.places.setdefault((self.section, key), []).append(self.place)
        self.kept[self.section, key] = form

    def _flush(self) -> None:
        """End the value that continuation lines were added to."""
        if self.key is not None and len(self.pieces) > 1:
            self.sections[self.section][self.key] = "\n".join(self.pieces)
        self.key, self.pieces, self.indent = None, [], None

    def _lookup(self, section: str, key: str) -> str | None:
        if (given := self.terms.given.get((section, key))) is not None:
            return given
        if section == self.section and key == self.key and len(self.pieces) > 1:
            self.pieces = ["\n".join(self.pieces)]
            self.sections[section][key] = self.pieces[0]
        return self.sections.get(section, {}).get(key)

    def _export(self, key: str) -> None:
        if not self._is_environment() or not _NAME.fullmatch(key):
            return
        if self.terms.closed and self.kept[self.section, key]:
            self.environment.pop(key, None)
        else:
            value = self.sections[self.section][key]
            self.environment[key] = expand.echo(value, self.environment)

    def _is_environment(self) -> bool:
        if self.kind == "runconfigs":
            return self.section == "default" or self.section == self.target_section
        wanted = "env-override" if self.kind == "megatest" else "pre-launch-env-vars"
        return wanted in self.section

    # -- sections ------------------------------------------------------------------------------

    def _close_section(self) -> None:
        self._flush()
        if self.kind == "megatest" and self.section == "fields":
            names = self.sections.get("fields", {})
            self.environment.update(zip(names, self.terms.target, strict=False))
        elif self.kind == "runconfigs" and _is_wildcard(self.section):
            self._apply_wildcard(self.sections.pop(self.section, {}))

    def _apply_wildcard(self, entries: Mapping[str, str]) -> None:
        wildcard = self.section
        pattern = _pattern(wildcard)
        if pattern is None:
            self._problem("a wildcard section whose name is no regular expression, ignored")
            return
        matching = [
            name
            for name in self.sections
            if not _is_wildcard(name) and pattern.fullmatch(_bytes(name))
        ]
        self._count(WILDCARD_COST * (len(self.sections) + len(matching) * len(entries)))
        for self.section in matching:
            for key, value in entries.items():
                self._set(key, value, self.kept.get((wildcard, key), ""))
                self.places[self.section, key][-1] = self.places[wildcard, key][-1]
        self.section = wildcard

    # -- problems ------------------------------------------------------------------------------

    def _problem(self, reason: str) -> None:
        path, line = self.place
        if len(self.problems) < PROBLEMS:
            self.problems.append(f"{shown(str(path))}:{line}: {printable(reason)}")
        elif len(self.problems) == PROBLEMS:
            self.problems.append(f"{shown(str(path))}: more problems follow")


def _is_wildcard(section: str) -> bool:
    return "%" in section or (len(section) > 1 and section[0] == section[-1] == "/")


def _pattern(section: str) -> Pattern | None:
    text = section[1:-1] if len(section) > 1 and section[0] == section[-1] == "/" else section
    try:
        return compile_bytes(_bytes(text.replace("%", ".*")))
    except ValueError:
        return None


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
