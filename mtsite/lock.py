"""One holder per area or site, told by a small file: who, where, since when.

The file `<directory>/<name>.lock` is JSON: host, pid, started (boot and start tick of the process),
command, since. It appears with its content in one step. A lock of a process of this host that no
longer lives is taken over, and a warning says so; a lock of another host is always respected.
"""

import contextlib
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict, replace

from mtsite.errors import BusyError, MtsiteError
from mtsite.refused import what_and_what_next

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.2


class Holder(Struct, frozen=True):
    """Who holds a lock; `started` tells a process from a later one of the same pid."""

    host: str
    pid: int
    started: str
    command: str
    since: float


@contextmanager
def hold(
    directory: Path,
    name: str,
    command: str,
    *,
    wait_seconds: float = 0,
    now: Callable[[], float] = time.time,
) -> Iterator[None]:
    """Hold the lock `name` of a directory for the time of a `with` block.

    `command` is what others are told, as `mtsite nightly`. Waits up to `wait_seconds` for another
    holder to let go. The lock is not re-entrant: the same process is refused like any other.

    Raises:
        BusyError: another living process, or one of another host, holds it.
        MtsiteError: the lock file can't be written here.
    """
    path = directory / f"{name}.lock"
    mine = replace(this_process(), command=command, since=now())
    deadline = time.monotonic() + wait_seconds
    while not _take(path, mine):
        holder = _read(path)
        if isinstance(holder, Holder) and _is_dead(holder):
            _clear_dead(path, holder)
        elif time.monotonic() >= deadline:
            raise _busy(path, name, holder)
        else:
            time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    try:
        yield
    finally:
        if _read(path) == mine:
            path.unlink(missing_ok=True)


def this_process() -> Holder:
    """The process that calls, as it would stand in a lock file."""
    return Holder(socket.gethostname(), os.getpid(), _started(os.getpid()), "", 0)


def is_alive(host: str, pid: int, started: str) -> bool:
    """Whether that process may still live; of another host nothing else can be told."""
    return not _is_dead(Holder(host, pid, started, "", 0))


def locks_in(directory: Path) -> dict[str, Holder | str]:
    """Lock → its holder, or why its file tells nothing; those of dead processes are left out."""
    found: dict[str, Holder | str] = {}
    for path in sorted(directory.glob("*.lock")):
        holder = _read(path)
        if holder is not None and not (isinstance(holder, Holder) and _is_dead(holder)):
            found[path.name.removesuffix(".lock")] = holder
    return found


def take_from_host(directory: Path, host: str) -> list[str]:
    """Remove the locks that processes of another host left here; tells whose they were.

    For a host that is gone for good: whether its processes live can't be asked from here.
    """
    told = []
    for path in sorted(directory.glob("*.lock")):
        holder = _read(path)
        if isinstance(holder, Holder) and holder.host == host:
            _clear_dead(path, holder, "as asked for")
            told.append(f"{path.name}: {_who(holder)}")
    return told


def holder_of(directory: Path, name: str) -> Holder | None:
    """Who holds the lock now; None when it is free, or left behind by a dead process."""
    holder = _read(directory / f"{name}.lock")
    return holder if isinstance(holder, Holder) and not _is_dead(holder) else None


def _take(path: Path, mine: Holder) -> bool:
    temporary = path.parent / f".tmp-{path.name}-{os.getpid()}-{time.monotonic_ns()}"
    with _told_by(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(json.dumps(asdict(mine)), encoding="utf-8")
            return _take_with(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _take_with(temporary: Path, path: Path) -> bool:
    try:
        # Unlike O_EXCL, a link shows the file with its content or not at all.
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        return _take_without_links(path, temporary)
    return True


@contextmanager
def _told_by(path: Path, deed: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        error.filename = str(path)
        _, hint = what_and_what_next(error) or ("", "")
        message = f"the lock file {path} can't be {deed}: {error.strerror}"
        raise MtsiteError(message, hint) from error


def _take_without_links(path: Path, temporary: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(temporary.read_bytes())
    return True


def _read(path: Path) -> Holder | str | None:
    """The holder; None when there is no file; text that says why the file tells nothing."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"can't be read ({error.strerror})"
    return _parse(content)


def _parse(content: bytes) -> Holder | str:
    if not content.strip():
        return "is empty"
    try:
        told = json.loads(content)
        return Holder(
            str(told["host"]),
            int(told["pid"]),
            str(told["started"]),
            str(told["command"]),
            float(told["since"]),
        )
    except (ValueError, KeyError, TypeError):
        return "was not written by mtsite"


def _is_dead(holder: Holder) -> bool:
    if holder.host != socket.gethostname():
        return False
    started = _started(holder.pid)
    return not started or (bool(holder.started) and started != holder.started)


def _started(pid: int) -> str:
    """Boot and start tick of a living process; '' when there is none of that pid."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return "" if Path("/proc/self/stat").exists() else _alive_without_proc(pid)
    # The command name, in brackets, may hold anything, brackets included.
    state, *numbers = fields.rpartition(")")[2].split()
    return "" if state in "ZX" else f"{boot}/{numbers[18]}"  # a zombie holds nothing


def _alive_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        return "alive"
    return "alive"


def _clear_dead(path: Path, holder: Holder, why: str = "which has ended") -> None:
    """Remove the lock of a dead process, and never the one that somebody took meanwhile."""
    with contextlib.suppress(FileNotFoundError), _told_by(path, "removed"):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_ino == path.stat().st_ino and _read(path) == holder:
                _log.warning("%s: took over the lock of %s, %s", path, _who(holder), why)
                path.unlink()
        finally:
            os.close(descriptor)


def _busy(path: Path, name: str, holder: Holder | str | None) -> BusyError:
    if isinstance(holder, Holder):
        hint = "wait, or stop that process"
        if holder.host != socket.gethostname():
            hint += (
                f"; if host {_plain(holder.host)} is gone for good:"
                f" `mtsite nightly --take-locks-of {_plain(holder.host)}`, or delete {path}"
            )
        return BusyError(f"{name} is locked by {_who(holder)}", hint)
    reason = holder or "comes and goes"
    return BusyError(
        f"{name} is locked: the lock file {path} {reason}",
        f"if no mtsite command is running here, delete {path}",
    )


def _who(holder: Holder) -> str:
    try:
        since = datetime.fromtimestamp(holder.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        since = "an unknown time"
    command, host = _plain(holder.command), _plain(holder.host)
    return f"`{command}` on host {host}, pid {holder.pid}, since {since}"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:200])
