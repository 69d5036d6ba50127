"""Where the logs of a test lie, never outside its area: reads directories, opens no log.

Everything about a path comes from whoever could write the database or the run directory. So a
run directory counts only where it lies in the linktree (or a configured disk) or has Megatest's
own shape, and a log only where its real path lies in the run directory, the linktree or the area.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from mtsite.amounts import plural
from mtsite.megatest.rows import NEVER_HAD_A_DIRECTORY
from mtsite.model import RunKey, Test, TestName

MOST_LOGS = 60
MOST_NAMES = 5_000
DEFAULT_FINAL_LOG = "logs/final.log"
"""What `final_logf` says in a row where nobody set it: nearly always no such file exists."""

TESTDAT = "testdat.db"
FINAL, STEP, FILE = "final", "step", "file"

GONE = "run directory is gone"
NO_DIRECTORY = "never had a run directory"
OUTSIDE = "run directory lies outside the linktree"
LINK_OUT = "run directory leaves the linktree by a symbolic link"
_NAMES = frozenset({"mt_launch.log"})
_PREFIXES = ("NBFAKE-",)
_SUFFIXES = (".log", ".html")
_SUMMARY = ".dat"
"""Of logpro, for a step; any other file of this kind may be data of the test, of any size."""


class FoundLog(Struct, frozen=True):
    """One log of a test: `name` relative to the run directory, `path` its real path.

    `refused` says why it must not be read ('' = read it); then `path` is where the name pointed.
    """

    name: str
    path: Path
    kind: str
    refused: str = ""


class AreaPlace(Struct, frozen=True):
    """Where the files of an area's runs may lie, as its configuration says.

    `tests` are the directories of its tests in the order of search. `values` and `given` stand in
    for values of its megatest.config and, by testname, of its testconfigs. `testsuite` is its name
    in archives, `archive_disks` are the paths where these lie.
    """

    path: Path
    linktree: Path | None = None
    disks: tuple[Path, ...] = ()
    path_map: Mapping[str, str] = {}
    tests: tuple[Path, ...] = ()
    values: Mapping[str, Mapping[str, str]] = {}
    given: Mapping[str, Mapping[str, Mapping[str, str]]] = {}
    testsuite: str = ""
    archive_disks: tuple[str, ...] = ()

    def roots(self) -> "Roots":
        """These places as they are now."""
        return roots_of(self.path, self.linktree, self.disks, self.path_map)


@dataclass(frozen=True, slots=True)
class Roots:
    """Where files of an area may lie: made once (`roots_of`) for the logs of many tests.

    `readable` are real paths for logs, `disks` those for run directories too. `path_map` maps
    prefixes of stored paths to what they are called on this host. `area` is where relative ones
    begin: an area whose linktree is a relative one stores such. `real` remembers the real paths of
    directories that many tests share, `rundirs` the run directories whose logs were found.
    """

    area: str
    linktree: str
    readable: tuple[str, ...]
    disks: tuple[str, ...]
    path_map: Mapping[str, str]
    real: dict[str, str] = field(default_factory=dict, compare=False)
    rundirs: dict[tuple[RunKey, TestName], str | None] = field(default_factory=dict, compare=False)


def roots_of(
    area_path: Path, linktree: Path | None, disks: Sequence[Path], path_map: Mapping[str, str]
) -> Roots:
    """The places of an area as they are now; '/' is none."""
    readable = [_real(str(path)) for path in (linktree, area_path) if path is not None]
    known = tuple(path for path in readable if path and path != "/")
    lexical = os.path.normpath(linktree) if linktree is not None else ""
    on_disk = tuple(path for disk in disks if (path := _real(str(disk))) and path != "/")
    within = (*known, *on_disk)
    return Roots(str(area_path), "" if lexical == "/" else lexical, known, within, path_map)


def find_logs(roots: Roots, key: RunKey, test: Test) -> tuple[list[FoundLog], str]:
    """The logs of one test, by name, at most 60, and a note on its run directory ('' = fine).

    Logs that may not be read come with the reason. Nothing that a database or directory says
    makes it raise.
    """
    rundir, note = _find_rundir(roots, key, test)
    roots.rundirs[key, test.name] = rundir
    if rundir is None:
        return [], note
    found: dict[str, FoundLog] = {}
    for name, kind in _named(test):
        # A relative name is the run directory's own, whatever prefix it happens to begin with.
        here = _mapped(name, roots.path_map) if name.startswith("/") else name
        log = _look(here, kind, rundir, roots)
        if log is not None:
            found.setdefault(log.name, log)
    names, complete = _names_in(rundir)
    there = frozenset(names)
    for name in _step_guesses(test):
        if name in there or "/" in name or not complete:
            log = _look(name, STEP, rundir, roots, only_if_there=True)
            if log is not None:
                found.setdefault(log.name, log)
    summaries = frozenset(f"{step.name}{_SUMMARY}" for step in test.steps)
    others = [n for n in names if n not in found and (_is_log_name(n) or n in summaries)]
    others.sort(key=_bytes)
    unseen = not complete and len(names) == MOST_NAMES
    room = max(0, MOST_LOGS - len(found))
    for name in others[:room]:
        log = _look(name, FILE, rundir, roots, only_if_there=True)
        if log is not None:
            found.setdefault(log.name, log)
    hidden = max(0, len(others) - room) + max(0, len(found) - MOST_LOGS)
    kept = sorted(list(found.values())[:MOST_LOGS], key=lambda log: _bytes(log.name))
    return kept, _hidden_note(hidden, unseen)


def find_testdat(roots: Roots, key: RunKey, test: Test) -> tuple[Path | None, str]:
    """The database that a test of generation G2 has in its run directory, or why there is none.

    A test that never had a directory has none to miss: no reason is given.
    """
    rundir, note = _find_rundir(roots, key, test)
    if rundir is None:
        return None, "" if note == NO_DIRECTORY else note
    found = _look(TESTDAT, FILE, rundir, roots)
    if found is None or found.refused:
        return None, f"{TESTDAT} {found.refused if found else 'is missing'}"
    return found.path, ""


def find_files(roots: Roots, key: RunKey, test: Test, names: Iterable[str]) -> dict[str, Path]:
    """The real paths of those of these files that lie in the run directory and may be read."""
    rundir = rundir_of(roots, key, test)
    if rundir is None:
        return {}
    looked = {name: look_at(name, rundir, roots) for name in names}
    return {name: file.path for name, file in looked.items() if file and not file.refused}


def rundir_of(roots: Roots, key: RunKey, test: Test) -> str | None:
    """The real path of a test's run directory; None where there is none that may be read."""
    place = (key, test.name)
    return roots.rundirs[place] if place in roots.rundirs else _find_rundir(roots, key, test)[0]


def look_at(name: str, rundir: str, roots: Roots) -> FoundLog | None:
    """A file by its name in the run directory, refused or not; None where there is none."""
    return _look(name, FILE, rundir, roots, only_if_there=True)


def is_regular_inside(path: Path, directories: Iterable[str]) -> bool:
    """Whether a path leads to a regular file below one of the directories (real paths)."""
    real = _real(str(path))
    try:
        return real is not None and _within(real, directories) and Path(real).is_file()
    except OSError:
        return False


def _find_rundir(roots: Roots, key: RunKey, test: Test) -> tuple[str | None, str]:
    """The real path of the run directory, or None and why there is none."""
    if test.rundir in NEVER_HAD_A_DIRECTORY and test.shortdir in NEVER_HAD_A_DIRECTORY:
        return None, NO_DIRECTORY
    note = ""
    for stored, must_be_in_linktree in ((test.rundir, True), (test.shortdir, False)):
        if stored in NEVER_HAD_A_DIRECTORY:
            continue
        # A relative shortdir begins at the area: no other disk lies there.
        may_be_far = must_be_in_linktree or stored.startswith("/")
        whole = os.path.join(roots.area, _mapped(stored, roots.path_map))  # noqa: PTH118  # as below
        directory = os.path.normpath(whole)
        real = _real_directory(directory, roots.real)
        if real is None or not _is_directory(real):
            note = note or GONE
            continue
        if must_be_in_linktree and not _within(directory, (roots.linktree, *roots.readable)):
            note = OUTSIDE
        elif not (_within(real, roots.disks) or (may_be_far and _has_shape(real, key, test))):
            note = LINK_OUT
        else:
            return real, ""
    # What is there and must not be read stays unread, whatever else has its name.
    named = _by_name(roots, key, test) if note in ("", GONE) else None
    return (named, "") if named else (None, note or GONE)


def _by_name(roots: Roots, key: RunKey, test: Test) -> str | None:
    """Where the linktree has the test: rows of an area that was copied still tell the old place."""
    if not roots.linktree:
        return None
    parts = (*key.target, key.runname, test.testname, *test.item_path.split("/"))
    directory = os.path.normpath("/".join((roots.linktree, *filter(None, parts))))
    if not _within(directory, (roots.linktree,)) or "\0" in directory:
        return None
    real = _real_directory(directory, roots.real)
    if real is None or not _is_directory(real):
        return None
    return real if _within(real, roots.disks) or _has_shape(real, key, test) else None


def _named(test: Test) -> Iterator[tuple[str, str]]:
    """The logs that rows name; a default that nobody set is none of them."""
    if test.final_logf and test.final_logf != DEFAULT_FINAL_LOG:
        yield test.final_logf, FINAL
    for step in test.steps:
        if step.logfile:
            yield step.logfile, STEP


def _step_guesses(test: Test) -> Iterator[str]:
    """Where Megatest puts a step's output without saying so; the default final log, if any."""
    for step in test.steps:
        if not step.logfile:
            yield f"{step.name}.html"
            yield f"{step.name}.log"
    if test.final_logf == DEFAULT_FINAL_LOG:
        yield DEFAULT_FINAL_LOG


def _names_in(rundir: str) -> tuple[list[str], bool]:
    """What lies directly in the run directory, and whether that is all."""
    names: list[str] = []
    try:
        with os.scandir(rundir) as listing:
            for each in listing:
                if len(names) >= MOST_NAMES:
                    return names, False
                names.append(each.name)
    except OSError:
        return names, False
    return names, True


def _is_log_name(name: str) -> bool:
    return name in _NAMES or name.startswith(_PREFIXES) or name.endswith(_SUFFIXES)


def _look(
    name: str, kind: str, rundir: str, roots: Roots, *, only_if_there: bool = False
) -> FoundLog | None:
    """One name: a log to read, a log that is refused, or None where nothing is expected there."""
    if "/" not in name and name not in {"", ".", ".."}:
        # By far the most: a plain file directly in the run directory, whose real path is known.
        direct = f"{rundir}/{name}"
        try:
            mode = os.lstat(direct).st_mode
        except FileNotFoundError:
            return None if only_if_there else FoundLog(name, Path(direct), kind, "is missing")
        except (OSError, ValueError):
            mode = 0
        if stat.S_ISREG(mode):
            return FoundLog(name, Path(direct), kind)
    path = Path(rundir, name)
    real = _real(str(path))
    # A whole path may lead through the linktree to the very file that the run directory lists.
    whole = real or os.path.normpath(name)
    shown = whole.removeprefix(f"{rundir}/") if name.startswith("/") else name
    if real is None:
        return None if only_if_there else FoundLog(shown, Path(rundir), kind, "no usable name")
    try:
        mode = Path(real).stat().st_mode
    except (OSError, ValueError):
        is_link = _is_link(path)
        if only_if_there and not is_link:
            return None
        return FoundLog(shown, Path(real), kind, "leads nowhere" if is_link else "is missing")
    return FoundLog(shown, Path(real), kind, _refusal(real, mode, rundir, roots))


def _refusal(real: str, mode: int, rundir: str, roots: Roots) -> str:
    if not _within(real, (rundir, *roots.readable)):
        return "lies outside the run directory, the linktree and the area"
    if stat.S_ISREG(mode):
        return ""
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    kind = next((name for is_kind, name in kinds if is_kind(mode)), "a device")
    return f"is {kind}, not a regular file"


def _has_shape(real: str, key: RunKey, test: Test) -> bool:
    """Whether a path ends as Megatest's own do: <target>/<runname>/<testname>[/<item_path>]."""
    tail = "/".join([*key.target, key.runname, test.testname, test.item_path]).rstrip("/")
    return os.path.normpath(f"/{tail}") == f"/{tail}" and real.endswith(f"/{tail}")


def _mapped(stored: str, path_map: Mapping[str, str]) -> str:
    """A stored path as this host calls it: the longest prefix wins.

    A prefix ends where a name does: `/net/h1` says nothing of `/net/h10`.
    """
    if "/.." in stored and stored.startswith("/"):
        # Steps up lead out of what a path stored, not out of what it is called here.
        stored = os.path.normpath(stored)
    for prefix in sorted(path_map, key=len, reverse=True):
        rest = stored[len(prefix) :]
        whole = prefix.endswith("/") or rest[:1] in {"", "/"}
        if stored.startswith(prefix) and whole:
            return path_map[prefix] + rest
    return stored


def _within(path: str, roots: Iterable[str]) -> bool:
    return any(root and (path == root or path.startswith(f"{root}/")) for root in roots)


def _real(path: str) -> str | None:
    """The real path; None for what is no absolute path that this system can have."""
    if not path.startswith("/"):
        return None
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return None


def _real_directory(path: str, known: dict[str, str], depth: int = 8) -> str | None:
    """The real path of a run directory; its parent's, which others share, is looked up once."""
    parent, name = os.path.split(path)
    if not path.startswith("/") or not name:
        return _real(path)
    real = known.get(parent)
    if real is None:
        found = _real(parent)
        if found is None:
            return None
        real = known[parent] = found
    direct = f"{real.rstrip('/')}/{name}"
    try:
        target = os.readlink(direct)  # noqa: PTH115  # asked of every test: no objects of pathlib
    except (OSError, ValueError):
        return direct if "\0" not in direct else None
    if depth and target.startswith("/") and os.path.normpath(target) == target:
        return _real_directory(target, known, depth - 1)
    return _real(direct)


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116  # as above
    except (OSError, ValueError):
        return False


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        return False


def _hidden_note(hidden: int, unseen: bool) -> str:
    if unseen:
        return f"only the first {MOST_NAMES} names of the run directory were looked at"
    return (
        f"{plural(hidden, 'more log is', 'more logs are')} not shown (the first {MOST_LOGS} are)"
        if hidden
        else ""
    )


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
