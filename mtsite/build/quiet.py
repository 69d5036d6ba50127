"""Whether anything moved since a build that left nothing to be done: then all pages stand.

A build that reads the runs that are not sealed, and finds in their rows and logs what it found
before, has changed nothing in the manifest. All that is made from more than one run is made from
the manifest and from what is digested here, so it need not even be looked at.
"""

import os
from pathlib import Path

import mtsite
from mtsite import atomicfile, urls
from mtsite.build import digest
from mtsite.build.judge import rule_set_of
from mtsite.build.state import BuildState
from mtsite.holds import FILE_NAME as HOLDS
from mtsite.manifest import FILE as MANIFEST

FILE = "quiet"
VOLATILE = ("_status.json", "_status.js", urls.jobs_page())
"""What no build makes again, and each sees to."""

_COUNTER = slice(24, 28)
"""Where a SQLite file counts the transactions that changed it, whoever did."""


def nothing_moved(state: BuildState) -> bool:
    """Whether the manifest and all that lies beside it are as `note_finished` saw them."""
    if state.manifest.has_moved() or not _is_whole(state):
        return False
    if not all((state.site / path).exists() for path in VOLATILE):
        return False
    try:
        known = (state.config.state_dir / FILE).read_text(encoding="ascii")
    except (OSError, ValueError):
        return False
    return known == _seen(state)


def note_finished(state: BuildState) -> None:
    """Remember what this build has left, unless a later one has to finish it."""
    file = state.config.state_dir / FILE
    if _is_whole(state):
        atomicfile.write(file, _seen(state).encode())
    else:
        file.unlink(missing_ok=True)


def _is_whole(state: BuildState) -> bool:
    """Whether nothing was left out, and nothing is looked at again for its own sake."""
    unsure = state.interrupted or state.all_pages or state.skipped or state.unwritten
    done = state.summary
    return not (unsure or done.problems or done.left or done.coming or done.unreadable)


def _seen(state: BuildState) -> str:
    config = state.config
    return digest.of(
        _counter(config.state_dir / MANIFEST),
        state.recipe,
        state.recipes_made_from,
        state.look.assets,
        rule_set_of(config.logs).digest,
        repr(config),
        repr(state.annotations),
        _content(config.root / HOLDS),
        state.listed.now,
        _code(),
    )


def _counter(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_COUNTER.stop)[_COUNTER].hex()


def _content(path: Path) -> str:
    try:
        return digest.of_bytes(path.read_bytes())
    except OSError:
        return ""


def _code() -> list[tuple[str, int, int]]:
    """The files of the product: what another version says is asked for at once."""
    found = []
    for top, _, names in os.walk(Path(mtsite.__file__).parent):
        for name in names:
            if name.endswith(".py"):
                seen = Path(top, name).stat()
                found.append((f"{top}/{name}", seen.st_mtime_ns, seen.st_size))
    return sorted(found)
