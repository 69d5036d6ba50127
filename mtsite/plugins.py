"""What is chosen by name at run time: built-ins and what other packages add, as one table.

A built-in is a name and `"package.module:attribute"`, so that its module, and all that it needs, is
imported only when it is asked for. Another package adds one by an entry point of the group, for
instance `mtsite.destinations`. Built-in names can't be replaced.
"""

import signal
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from mtsite.errors import UsageError

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_STOPPED = frozenset(128 + number for number in STOPPING)
"""Exit codes of who was asked to stop."""


def is_stop(error: BaseException) -> bool:
    """Whether this program was asked to stop: an exit that came from outside of whoever was called.

    Any other SystemExit is that of the code that was called, which may stop nothing but itself.
    """
    return isinstance(error, SystemExit) and error.code in _STOPPED


def table(group: str, builtin: Mapping[str, str]) -> dict[str, str]:
    """Name → `module:attribute` of everything in a group, built-ins first, then by name."""
    added = {point.name: point.value for point in entry_points(group=group)}
    for name in sorted(added.keys() & builtin.keys()):
        raise UsageError(
            f"a package installed here adds {name!r} to {group}, which is built in",
            f"remove the package that declares {added[name]}",
        )
    return {**builtin, **dict(sorted(added.items()))}


def load(group: str, name: str, builtin: Mapping[str, str]) -> Any:
    """Import what a name stands for.

    Raises:
        UsageError: no such name (the known ones are listed), or it can't be imported.
    """
    known = table(group, builtin)
    if name not in known:
        raise UsageError(f"unknown name {name!r} in {group}; known: {', '.join(known)}")
    return resolve(group, name, known[name])


def resolve(group: str, name: str, target: str) -> Any:
    """Import `module:attribute`, which the table has under this name.

    Raises:
        UsageError: it can't be imported. What another package's module raises comes through.
    """
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{name!r} of {group} can't be loaded from {target}: {error}") from error
