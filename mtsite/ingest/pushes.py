"""The verb `ingest_pushes`: what `git log` or a Mercurial pushlog tells, into `pushes/`."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from mtsite import lock
from mtsite.errors import RefusedFileError
from mtsite.ingest.sources import Source, find_sources
from mtsite.objects.gitlog import FORMAT, is_git_log, read_git_log
from mtsite.objects.hgpushlog import read_hg_pushlog
from mtsite.objects.shape import ObjectError
from mtsite.provenance import Push
from mtsite.pushlog import DIRECTORY, MOST_BYTES, file_of, merge, read_pushlog, write_pushlog

LOCK_SECONDS = 10
PATTERN = "*"


class PushesSummary(Struct, frozen=True):
    """What was done: `told` pushes were read, `added` of them are new, `pushes` are there now."""

    repository: str
    file: str
    told: int
    added: int
    pushes: int
    commits: int


def ingest_pushes(
    root: Path,
    repository: str,
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
) -> PushesSummary:
    """Add the pushes of these files to those of the repository; the same ones again change nothing.

    Raises:
        MissingError: a file is not there.
        RefusedFileError: it is neither a log of git nor a pushlog, or its own file has mistakes.
        BusyError: another call writes there.
    """
    told = _read(paths)
    path = file_of(root, repository)
    if dry_run:
        return _add(path, repository, told, write=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with lock.hold(path.parent, DIRECTORY, "mtsite ingest pushes", wait_seconds=LOCK_SECONDS):
        return _add(path, repository, told, write=True)


def _add(path: Path, repository: str, told: Sequence[Push], *, write: bool) -> PushesSummary:
    known: tuple[Push, ...] = ()
    if path.exists():
        found = read_pushlog(path)
        if found.mistakes:
            # What can't be read would be lost by writing the file again.
            raise RefusedFileError("\n".join(found.mistakes), "mend or remove these lines")
        known = found.pushes
    merged = merge(known, told)
    if write and (merged != list(known) or not path.exists()):
        write_pushlog(path, repository, merged)
    return PushesSummary(
        repository,
        path.name,
        len(told),
        len(merged) - len(known),
        len(merged),
        sum(len(push.commits) for push in merged),
    )


def _read(paths: Sequence[Path]) -> list[Push]:
    with TemporaryDirectory(prefix="mtsite-") as spool:
        sources = find_sources(paths, PATTERN, Path(spool))
        told: list[Push] = []
        for source in sources:
            told = merge(told, _read_one(source))
    return told


def _read_one(source: Source) -> list[Push]:
    if source.path.stat().st_size > MOST_BYTES:
        raise RefusedFileError(f"{source.name}: larger than 256 MiB", "git log -n 10000")
    text = source.path.read_bytes().decode("utf-8", "replace")
    hint = f"git log --format='{FORMAT}' | mtsite ingest pushes - --repository NAME"
    try:
        if is_git_log(text):
            return read_git_log(text)
        if text.lstrip().startswith("{"):
            return read_hg_pushlog(text)
    except ObjectError as error:
        raise RefusedFileError(f"{source.name}: {error}", hint) from error
    raise RefusedFileError(f"{source.name}: neither a log of git nor a pushlog of Mercurial", hint)
