"""What a child of a test may have for itself: host name, network, mounts (Linux namespaces)."""

import ctypes
import os
import socket
from collections.abc import Callable
from pathlib import Path

from dying import ended, in_child

NEW_MOUNTS, NEW_UTS, NEW_USER, NEW_NET = 0x00020000, 0x04000000, 0x10000000, 0x40000000
_PRIVATE, _ALL_BELOW = 1 << 18, 1 << 14


def unshare(what: int) -> None:
    """This process, which must have one thread, gets its own of these.

    Raises:
        OSError: this user may not.
    """
    user, group = os.geteuid(), os.getegid()
    _called("unshare", what if user == 0 else what | NEW_USER)
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def own_host_name(name: str) -> None:
    """This process is on a host of that name from now on."""
    unshare(NEW_UTS)
    socket.sethostname(name)


def own_disk(place: Path, size: int) -> None:
    """A disk of so many bytes at a directory, for this process and its children alone."""
    unshare(NEW_MOUNTS)
    _called("mount", b"none", b"/", None, _PRIVATE | _ALL_BELOW, None)
    _called("mount", b"none", os.fsencode(place), b"tmpfs", 0, f"size={size}".encode())


def may(work: Callable[[], object]) -> bool:
    """Whether a child may do this."""
    return ended(in_child(lambda: _tried(work))) == 0


def may_have_own_host_name() -> bool:
    """Whether a child of this user may have a host name of its own."""
    return may(lambda: own_host_name("other"))


def may_have_own_disk() -> bool:
    """Whether a child of this user may mount a disk of its own."""
    return may(lambda: own_disk(Path("/tmp"), 1 << 20))


def _tried(work: Callable[[], object]) -> None:
    try:
        work()
    except OSError:
        os._exit(1)


def _called(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
