"""The pushlogs beside mtsite.toml, as the manifest knows them; see `pushes` for their pages."""

import json
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from mtsite import pushlog
from mtsite.build import digest
from mtsite.build.masked import redactor_of
from mtsite.build.state import BuildState
from mtsite.errors import MtsiteError
from mtsite.logs.redact import Redactor
from mtsite.provenance import Commit, Push

_FILES = "pushlogs"


def tell_pushes(state: BuildState) -> None:
    """Know the pushlogs beside mtsite.toml; one that stands as it was is not taken apart."""
    before = json.loads(state.manifest.get(_FILES) or "{}")
    first: dict[str, str] = {}
    for name, (_, repository, _) in before.items():
        first.setdefault(repository, name)
    after: dict[str, tuple[str, str, list[str]]] = {}
    kept: dict[str, str] = {}
    for path in pushlog.files(state.config.root) if state.config.file else ():
        try:
            content = pushlog.read_bytes(path)
            said = digest.of(digest.of_bytes(content), repr(state.config.redact))
            there = before.get(path.name)
            # Of two files for one repository the first counts: which one that is may have moved.
            if there and there[0] == said and first[there[1]] == kept.get(there[1], path.name):
                after[path.name] = there
            else:
                after[path.name] = (said, *_tell(state, path, content, kept))
        except OSError as error:
            state.told([f"{pushlog.DIRECTORY}/{path.name}: {error.strerror}"])
            continue
        except MtsiteError as error:
            state.told([error.message])
            continue
        kept.setdefault(after[path.name][1], path.name)
        state.told(after[path.name][2])
    if before != json.loads(json.dumps(after)):
        state.manifest.pushes.forget_logs(list(kept))
        state.manifest.put(_FILES, json.dumps(after))


def _tell(
    state: BuildState, path: Path, content: bytes, kept: Mapping[str, str]
) -> tuple[str, list[str]]:
    found = pushlog.read_pushlog(path, content)
    if found.repository in kept:
        told = f"{pushlog.DIRECTORY}/{path.name}: {kept[found.repository]} tells of the same one"
        return found.repository, [told]
    redactor = redactor_of(state.config.redact)
    clean = tuple(_masked(one, redactor) for one in found.pushes)
    state.manifest.pushes.tell(replace(found, pushes=clean))
    return found.repository, list(found.mistakes)


def _masked(one: Push, redactor: Redactor) -> Push:
    """What people say of their changes may hold a secret, as a log may."""
    commits = tuple(
        Commit(c.revision, redactor.redact_text(c.author), c.time, redactor.redact_text(c.message))
        for c in one.commits
    )
    return replace(one, commits=commits, author=redactor.redact_text(one.author))
