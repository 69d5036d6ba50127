"""What a power cut or a broken disk leaves behind: every write of a child process is seen.

A child is traced (ptrace, x86-64 Linux). `record` looks at a directory after each system call that
changes a file below it; `Recording.cut(n, how)` makes the files as they may be when the power goes
after the n-th change: content that was not flushed since may be there or not, and so may names
that came or went since the directory was flushed. `fail` lets the n-th write or flush there fail.
"""

import ctypes
import os
import platform
import random
import signal
import sys
import traceback
from collections.abc import Callable
from ctypes import c_long, c_ulonglong, c_void_p
from dataclasses import dataclass, field
from pathlib import Path

TRACEME, SYSCALL, GETREGS, SETREGS, SETOPTIONS = 0, 24, 12, 13, 0x4200
TRACE_GOOD_STOPS, TRACE_THREADS, END_WITH_PARENT = 0x1, 0x8, 0x100000
ALL_THREADS = 0x40000000
_REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss"
    " fs_base gs_base ds es fs gs"
).split()
_CHANGES = {1, 2, 18, 20, 76, 77, 82, 83, 87, 257, 263, 264, 316}
_FLUSHES = {74, 75}
_BY_DESCRIPTOR = {1, 18, 20, 77, *_FLUSHES}
Files = dict[str, bytes]
"""Path below the directory → content."""


class _Registers(ctypes.Structure):
    _fields_ = [(name, c_ulonglong) for name in _REGISTERS]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [c_long, c_long, c_void_p, c_void_p]
_libc.ptrace.restype = c_long


def can_trace() -> bool:
    """Whether this is a machine whose system calls are known here."""
    return platform.system() == "Linux" and platform.machine() == "x86_64"


@dataclass
class Moment:
    """The files after one change or flush; `flushed`: the path that was flushed, '' if none was."""

    files: Files
    flushed: str = ""


@dataclass
class Recording:
    """All moments of one child, the first before it began; files were flushed then."""

    moments: list[Moment] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many moments there are."""
        return len(self.moments)

    def cut(self, number: int, how: str | random.Random) -> Files:
        """The files after a cut at that moment.

        `how`: 'arrived' (the system wrote everything), 'flushed' (nothing but what was flushed),
        or chance, which decides of each file and each name between the two.
        """
        latest = self.moments[number].files
        if how == "arrived":
            return dict(latest)
        safe, names = self._flushed_until(number)
        found: Files = {}
        for path in names.keys() | latest.keys():
            is_there = path in latest if how != "flushed" else path in names
            if isinstance(how, random.Random) and (path in latest) != (path in names):
                is_there = how.random() < 0.5
            if is_there:
                found[path] = self._content(path, number, safe.get(path), how)
        return found

    def _content(
        self, path: str, number: int, flushed_at: int | None, how: str | random.Random
    ) -> bytes:
        """One of the contents since the file was flushed: the disk may have any of them."""
        start = flushed_at if flushed_at is not None else number
        seen = [m.files[path] for m in self.moments[start : number + 1] if path in m.files]
        if not seen:
            before = [m.files[path] for m in self.moments[: number + 1] if path in m.files]
            return before[-1] if before else b""
        return how.choice(seen) if isinstance(how, random.Random) else seen[0]

    def _flushed_until(self, number: int) -> tuple[dict[str, int], dict[str, None]]:
        """Path → the moment of its last flush; and the names at the last flush of a directory."""
        safe = dict.fromkeys(self.moments[0].files, 0)
        names = dict.fromkeys(self.moments[0].files)
        for at, moment in enumerate(self.moments[: number + 1]):
            if moment.flushed in moment.files:
                safe[moment.flushed] = at
                # Journaling file systems write a file's own name with it.
                names.setdefault(moment.flushed)
            elif moment.flushed:
                below = "" if moment.flushed == "." else f"{moment.flushed}/"
                for path in list(names):
                    if path.startswith(below) and path not in moment.files:
                        del names[path]
                for path in moment.files:
                    if path.startswith(below):
                        names.setdefault(path)
        return safe, names


def record(work: Callable[[], object], directory: Path) -> Recording:
    """Run `work` in a fork and look at the directory after everything that it writes there."""
    recording = Recording([Moment(_look(directory))])

    def note(pid: int) -> None:
        registers = _registers(pid)
        number = registers.orig_rax
        if number in _FLUSHES:
            path = _path(pid, registers.rdi)
            if _is_below(path, directory):
                flushed = os.path.relpath(path, directory)
                recording.moments.append(Moment(recording.moments[-1].files, flushed))
        elif number in _CHANGES:
            files = _look(directory, recording.moments[-1].files)
            if files != recording.moments[-1].files:
                recording.moments.append(Moment(files))

    _trace(work, lambda _: None, note)
    return recording


def fail(work: Callable[[], object], directory: Path, at: int, error: int) -> bool:
    """Run `work` in a fork; the write or flush of that number below the directory fails.

    Whether there were so many. `work` must end well all the same.
    """
    seen = 0
    failing: set[int] = set()

    def before(pid: int) -> None:
        nonlocal seen
        registers = _registers(pid)
        if registers.orig_rax not in _BY_DESCRIPTOR:
            return
        if not _is_below(_path(pid, registers.rdi), directory):
            return
        seen += 1
        if seen == at + 1:
            failing.add(pid)
            registers.orig_rax = 2**64 - 1  # no such call: nothing is written
            _libc.ptrace(SETREGS, pid, None, ctypes.addressof(registers))

    def after(pid: int) -> None:
        if pid in failing:
            failing.discard(pid)
            registers = _registers(pid)
            registers.rax = 2**64 - error
            _libc.ptrace(SETREGS, pid, None, ctypes.addressof(registers))

    _trace(work, before, after)
    return seen > at


def _trace(
    work: Callable[[], object], before: Callable[[int], None], after: Callable[[int], None]
) -> None:
    """Run `work` in a fork; each system call of its threads is shown before and after it."""
    pid = os.fork()
    if pid == 0:
        code = 9
        try:
            os.setpgid(0, 0)  # the tests' other children are not waited for
            _libc.ptrace(TRACEME, 0, None, None)
            os.kill(os.getpid(), signal.SIGSTOP)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.waitpid(pid, 0)
    _libc.ptrace(SETOPTIONS, pid, None, TRACE_GOOD_STOPS | TRACE_THREADS | END_WITH_PARENT)
    _libc.ptrace(SYSCALL, pid, None, 0)
    entering = {pid: True}
    while True:
        thread, status = os.waitpid(-pid, ALL_THREADS)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            if thread == pid:
                assert os.waitstatus_to_exitcode(status) == 0, f"the child ended with {status}"
                return
            continue
        passed_on = 0
        if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80:
            (before if entering[thread] else after)(thread)
            entering[thread] = not entering[thread]
        elif thread not in entering:
            entering[thread] = True  # a new thread, stopped before its first step
        elif os.WSTOPSIG(status) != signal.SIGTRAP:
            passed_on = os.WSTOPSIG(status)
        _libc.ptrace(SYSCALL, thread, None, passed_on)


def _registers(pid: int) -> _Registers:
    found = _Registers()
    _libc.ptrace(GETREGS, pid, None, ctypes.addressof(found))
    return found


def _path(pid: int, descriptor: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/fd/{descriptor}").readlink())
    except OSError:
        return ""


def _is_below(path: str, directory: Path) -> bool:
    return path == str(directory) or path.startswith(f"{directory}/")


def _look(directory: Path, before: Files | None = None) -> Files:
    """All files; a content that is as before is the same object."""
    found: Files = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(directory).as_posix()
            content = path.read_bytes()
            was = (before or {}).get(name)
            found[name] = was if was is not None and was == content else content
    return found
