"""The `#{TYPE args}` forms of Megatest's config files, and what a shell would do to a value.

`getenv get rget rp mtrah` are worked out natively. `shell` and `system` run only where the
reader allows it; `scheme` never does. A form that is not worked out stays as it is written.
"""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

COMMAND_SECONDS = 20.0
EXPANSIONS_PER_LINE = 1000
LINE_CHARACTERS = 1 << 20
MISSED = "#f"

_FORM = re.compile(
    r"#\{(getenv|gv|get|g|rget|runconfigs-get|shell|sh|system|scheme|scm|rp|mtrah)"
    r"\s++([^{}]*+)\}",
    re.ASCII,
)
_COMMANDS = frozenset({"shell", "sh", "system"})
_NEEDS_SHELL = re.compile(r"""["'`\\*?\[\]();|&<>{}$\n]|(?:^|\s)[~#]|^-""")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")


@dataclass(frozen=True, slots=True)
class Expanded:
    """A line after expansion; `kept` is the type of a form that had to stay ('' for none)."""

    text: str
    kept: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the forms of one file look at. `environment` grows while the file is read.

    `lookup(section, name)` finds what has been read so far; `target_section` is '' without a
    target.
    """

    area_path: Path
    environment: dict[str, str]
    lookup: Callable[[str, str], str | None]
    target_section: str
    allow_commands: bool


def expand(line: str, scope: Scope, *, muted: bool = False) -> Expanded:
    """Work out the forms of a line, the rightmost (so innermost) first, until none is left.

    `muted`: in this section Megatest itself runs no command; it leaves `#{(shell)  …}` there.
    """
    end = len(line)
    kept = ""
    for _ in range(EXPANSIONS_PER_LINE):
        found, kept = _rightmost(line, end, scope, kept)
        if found is None:
            return Expanded(line, kept)
        if muted and found[1] in _COMMANDS:
            value = f"#{{({found[1]})  {found[2]}}}"
        else:
            value = _value(found[1], found[2], scope)
        line = line[: found.start()] + value + line[found.end() :]
        if len(line) > LINE_CHARACTERS:
            return Expanded("", kept, f"expands to more than {LINE_CHARACTERS} characters")
        # What stands right of the value was looked at before; a '{' there may end a new '#{'.
        end = found.start() + len(value) + 1
    return Expanded("", kept, f"more than {EXPANSIONS_PER_LINE} expansions in one line")


def _rightmost(line: str, end: int, scope: Scope, kept: str) -> tuple[re.Match[str] | None, str]:
    at = line.rfind("#{", 0, end)
    while at >= 0:
        found = _FORM.match(line, at)
        if found is not None:
            if _can_be_told(found[1], scope):
                return found, kept
            kept = found[1]
        at = line.rfind("#{", 0, at + 1)
    return None, kept


def _can_be_told(kind: str, scope: Scope) -> bool:
    if kind in {"scheme", "scm"}:
        return False
    return kind not in _COMMANDS or scope.allow_commands


def _value(kind: str, text: str, scope: Scope) -> str:
    if kind in {"getenv", "gv"}:
        return scope.environment.get(text, MISSED)
    if kind in {"get", "g"}:
        words = text.split()
        found = scope.lookup(words[0], words[1]) if len(words) > 1 else None
        return MISSED if found is None else found
    if kind in {"rget", "runconfigs-get"}:
        return _from_runconfigs(text, scope)
    if kind == "mtrah":
        return str(scope.area_path / text) if text else str(scope.area_path)
    if kind == "rp":
        return _real_path(text, scope.area_path)
    code, lines = run_command(text, scope.area_path, scope.environment)
    if kind == "system":
        return str(code)
    return " ".join(lines) if code == 0 else ""


def _from_runconfigs(name: str, scope: Scope) -> str:
    for section in (scope.target_section, "default"):
        found = scope.lookup(section, name) if section else None
        if found is not None:
            return found
    return MISSED


def _real_path(text: str, area_path: Path) -> str:
    try:
        return os.path.realpath(area_path / text)
    except (OSError, ValueError):
        return MISSED


def run_command(
    command: str, directory: Path, environment: Mapping[str, str]
) -> tuple[int, list[str]]:
    """Run a shell command in the directory; its exit code and the lines of its standard output.

    It gets no input; after 20 s it is killed with its children, which counts as exit code 124.
    A command that can't be started has 127.
    """
    try:
        running = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return 127, []
    with running:
        try:
            output, _ = running.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
            return 124, []
    text = output.decode("utf-8", "surrogateescape").removesuffix("\n")
    return running.returncode, text.split("\n")


def echo(value: str, environment: Mapping[str, str]) -> str:
    """What `echo VALUE` prints, where that can be told without a shell; otherwise the text.

    `$NAME` is replaced and runs of blanks become one; quotes, globs, substitutions and the like
    need a shell, so such a value stays as it is.
    """
    if _NEEDS_SHELL.search(_VARIABLE.sub("x", value)):
        return value
    told = _VARIABLE.sub(lambda found: environment.get(found[1] or found[2], ""), value)
    return " ".join(told[:LINE_CHARACTERS].split())
