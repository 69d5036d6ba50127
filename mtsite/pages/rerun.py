"""The command that runs a test again, as a shell takes it."""

import re
import shlex
from functools import lru_cache

from mtsite.model import RunKey, Test

_UNSAYABLE = re.compile("[\0\ud800-\udfff]")
"""No command line can carry these: a NUL, and bytes that are no UTF-8 once a page shows them."""

_WILD = re.compile(r"[%*,?\[~]")


def rerun_command(key: RunKey, test: Test) -> str:
    """For the area's directory; '' where a name can't stand in a command.

    Megatest's patterns know no escape: see `matches_more`.
    """
    return _megatest(key, test, "-run", "-rerun-all")


def restore_command(key: RunKey, test: Test) -> str:
    """What brings its run directory back out of Megatest's archive; '' as above."""
    return _megatest(key, test, "-archive", "restore")


def sayable(command: str) -> bool:
    """Whether a page can show a command as it must be."""
    return not _UNSAYABLE.search(command)


def matches_more(test: Test) -> bool:
    """Whether its name is a pattern that other tests may match, too."""
    return bool(_WILD.search(test.testname) or _WILD.search(test.item_path))


def _megatest(key: RunKey, test: Test, *verb: str) -> str:
    pattern = f"{test.testname}/{test.item_path}" if test.item_path else test.testname
    command = f"{_of_run(key, verb)} {shlex.quote(pattern)}"
    return command if sayable(command) else ""


@lru_cache(maxsize=64)
def _of_run(key: RunKey, verb: tuple[str, ...]) -> str:
    """What the commands for all tests of a run begin with."""
    target = "/".join(key.target)
    return shlex.join(("megatest", *verb, "-target", target, "-runname", key.runname, "-testpatt"))
