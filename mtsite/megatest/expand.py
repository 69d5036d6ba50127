"""The `#{TYPE args}` forms of Megatest's config files, and what a shell would do to a value.

`getenv get rget rp mtrah` are worked out natively, and of `scheme` the few expressions that need
no interpreter. `shell` and `system` run only where the reader allows it. A form that is not worked
out stays as it is written.
"""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct, field

from mtsite.megatest import scheme

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
_ENVIRONMENT = frozenset({"getenv", "gv"})
_NEEDS_SHELL = re.compile(r"""["'`\\*?\[\]();|&<>{}$\n]|(?:^|\s)[~#]|^-""")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")


class Expanded(Struct, frozen=True):
    """A line after expansion; `kept` is a form that had to stay ('' for none).

    It is named by its type; one that needs a variable of the environment, by that as well.
    """

    text: str
    kept: str = ""
    problem: str = ""


class Scope(Struct, frozen=True):
    """What the forms of one file look at. `environment` grows while the file is read.

    `lookup(section, name)` finds what has been read so far; `target_section` is '' without a
    target. `closed`: the environment is only a part of the one that Megatest would have, so a
    variable that is not there is unknown. `asked` notes the variables that were looked at, each
    with the value that it had the first time.
    """

    area_path: Path
    environment: dict[str, str]
    lookup: Callable[[str, str], str | None]
    target_section: str
    allow_commands: bool
    closed: bool = False
    asked: dict[str, str | None] = field(default_factory=dict)

    def getenv(self, name: str) -> str | None:
        """A variable of the environment; None where there is none."""
        found = self.environment.get(name)
        self.asked.setdefault(name, found)
        return found


def expand(line: str, scope: Scope, *, muted: bool = False) -> Expanded:
    """Work out the forms of a line, the rightmost (so innermost) first, until none is left.

    `muted`: in this section Megatest itself runs no command; it leaves `#{(shell)  …}` there.
    """
    end = len(line)
    kept = ""
    for _ in range(EXPANSIONS_PER_LINE):
        found, value, kept = _rightmost(line, end, scope, kept, muted=muted)
        if found is None:
            return Expanded(line, kept)
        line = line[: found.start()] + value + line[found.end() :]
        if len(line) > LINE_CHARACTERS:
            return Expanded("", kept, f"expands to more than {LINE_CHARACTERS} characters")
        # What stands right of the value was looked at before; a '{' there may end a new '#{'.
        end = found.start() + len(value) + 1
    return Expanded("", kept, f"more than {EXPANSIONS_PER_LINE} expansions in one line")


def why_unknown(form: str) -> str:
    """Why a value with such a form that had to stay is not known, to follow its name."""
    kind, _, name = form.partition(" ")
    if kind in _ENVIRONMENT:
        return f"needs the variable {name} of the environment"
    return f"is computed by a command ({kind})"


def _rightmost(
    line: str, end: int, scope: Scope, kept: str, *, muted: bool
) -> tuple[re.Match[str] | None, str, str]:
    """The rightmost form that can be told, its value, and the last form on the way that can't."""
    at = line.rfind("#{", 0, end)
    while at >= 0:
        found = _FORM.match(line, at)
        if found is not None:
            kind, text = found[1], found[2]
            if muted and kind in _COMMANDS:
                return found, f"#{{({kind})  {text}}}", kept
            value = _value(kind, text, scope)
            if value is not None:
                return found, value, kept
            kept = f"{kind} {text}".strip() if kind in _ENVIRONMENT else kind
        at = line.rfind("#{", 0, at + 1)
    return None, "", kept


def _value(kind: str, text: str, scope: Scope) -> str | None:
    """What a form yields; None where it can't be told."""
    if kind in _ENVIRONMENT:
        found = scope.getenv(text)
        return (None if scope.closed else MISSED) if found is None else found
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
    if kind in {"scheme", "scm"}:
        return _of_scheme(text, scope)
    return _of_command(kind, text, scope)


def _of_scheme(text: str, scope: Scope) -> str | None:
    missed: list[str] = []

    def getenv(name: str) -> str | None:
        found = scope.getenv(name)
        if found is None:
            missed.append(name)
        return found

    around = scheme.Surroundings(scope.area_path, getenv, scope.target_section)
    told = scheme.evaluate(text, around)
    return None if scope.closed and missed else told


def _of_command(kind: str, text: str, scope: Scope) -> str | None:
    if not scope.allow_commands:
        return None
    code, lines = run_command(text, scope.area_path, scope.environment)
    if kind == "system":
        return str(code)
    return " ".join(lines) if code == 0 else ""


def _from_runconfigs(name: str, scope: Scope) -> str:
    scope.asked.setdefault("MT_TARGET", scope.environment.get("MT_TARGET"))
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
