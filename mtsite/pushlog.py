"""`pushes/NAME.jsonl` beside mtsite.toml: what came into a repository, in order, oldest first.

The files are the user's; `mtsite ingest pushes` adds to them, and a line may be written by hand:

    {"repository": "team/chip"}
    {"id": "117", "author": "ann", "time": 1790000000, "commits": [{"revision": "27e6…", …}]}

The first line names the repository; without it the file's name does. A line that can't be read is
left out and said.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from mtsite import atomicfile, urls
from mtsite.errors import RefusedFileError
from mtsite.provenance import Push, decode, encode

DIRECTORY = "pushes"
MOST_BYTES = 1 << 28
MOST_MISTAKES = 20
"""So many lines that can't be used are told one by one."""

SHORTEST_PREFIX = 7
"""So many hexadecimal digits stand for a revision that begins with them, if it is the only one."""


class Pushlog(Struct, frozen=True):
    """The pushes of a repository, oldest first; `mistakes` are lines that can't be used."""

    repository: str
    pushes: tuple[Push, ...]
    mistakes: tuple[str, ...] = ()


class Between(Struct, frozen=True):
    """The pushes after the `good` one up to the `bad` one, in their order: one of them did it.

    `turned`: the good one came after the bad one, so these are the pushes from bad to good.
    """

    pushes: tuple[Push, ...]
    turned: bool = False


def file_of(root: Path, repository: str) -> Path:
    """Where the pushes of a repository stand, for a mtsite.toml in `root`."""
    return root / DIRECTORY / f"{urls.segment(repository)}.jsonl"


def files(root: Path) -> list[Path]:
    """All files of pushes beside a mtsite.toml, by name."""
    return sorted(path for path in (root / DIRECTORY).glob("*.jsonl") if path.is_file())


def read_bytes(path: Path) -> bytes:
    """What a file of pushes holds.

    Raises:
        RefusedFileError: it is larger than 256 MiB.
    """
    if path.stat().st_size > MOST_BYTES:
        told = f"{DIRECTORY}/{path.name}: larger than 256 MiB"
        raise RefusedFileError(told, "keep the newest pushes only")
    return path.read_bytes()


def read_pushlog(path: Path, content: bytes | None = None) -> Pushlog:
    """The pushes of a file; of a revision that stands twice the first counts.

    Raises:
        RefusedFileError: it is larger than 256 MiB.
    """
    if content is None:
        content = read_bytes(path)
    repository = urls.name_of(path.stem) or path.stem
    pushes: list[Push] = []
    mistakes: list[str] = []
    more = 0
    seen: set[str] = set()
    # Only this ends a line: what else splitlines() takes for an end may stand in JSON.
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            if not pushes and (named := _name_in(line)):
                repository = named
                continue
            push = decode(line)
            if push.revision in seen:
                raise ValueError(f"{push.revision} stands above already")
        except (ValueError, RecursionError) as error:
            if len(mistakes) < MOST_MISTAKES:
                mistakes.append(f"{DIRECTORY}/{path.name}:{number}: {error}")
            else:
                more += 1
            continue
        seen.update(commit.revision for commit in push.commits)
        pushes.append(push)
    if more:
        mistakes.append(f"{DIRECTORY}/{path.name}: {more} more like these")
    return Pushlog(repository, tuple(pushes), tuple(mistakes))


def write_pushlog(path: Path, repository: str, pushes: Sequence[Push]) -> None:
    """Put the pushes of a repository into their file, on disk when it returns."""
    lines = [json.dumps({"repository": repository}), *map(encode, pushes)]
    atomicfile.write_durable(path, "".join(f"{line}\n" for line in lines).encode())


def load_pushlogs(root: Path) -> Iterator[Pushlog]:
    """The pushes of all repositories; of two files for one repository the first counts."""
    seen: set[str] = set()
    for path in files(root):
        found = read_pushlog(path)
        if found.repository not in seen:
            seen.add(found.repository)
            yield found


def merge(known: Sequence[Push], told: Sequence[Push]) -> list[Push]:
    """The pushes that are known with those that are told put where they belong; both in order.

    A push whose last revision is known stays as it was. Numbered ones are in the order of their
    numbers, others stand beside the nearest one that both have, else they are put by their times.
    """
    have = {one.revision: at for at, push in enumerate(known) for one in push.commits}
    added: dict[int, list[Push]] = {}
    pending: list[Push] = []
    last: int | None = None
    for push in _once(told):
        at = have.get(push.revision)
        if at is None:
            rest = tuple(one for one in push.commits if one.revision not in have)
            pending.append(replace(push, commits=rest))
            continue
        added.setdefault(at if last is None else last + 1, []).extend(pending)
        pending, last = [], at
    if pending:
        end = _place(known, pending) if last is None else last + 1
        added.setdefault(end, []).extend(pending)
    merged: list[Push] = []
    for at in range(len(known) + 1):
        merged += added.get(at, ())
        merged += known[at : at + 1]
    if all(is_push_number(push.id) for push in merged):
        merged.sort(key=lambda push: int(push.id))
    return merged


def between(pushes: Sequence[Push], good: str, bad: str) -> Between | None:
    """The pushes between two revisions; None where one is not among them, or both are in one."""
    places = [find(pushes, revision) for revision in (good, bad)]
    if places[0] is None or places[1] is None or places[0] == places[1]:
        return None
    first, last = sorted((places[0], places[1]))
    return Between(tuple(pushes[first + 1 : last + 1]), turned=places[0] > places[1])


def find(pushes: Sequence[Push], revision: str) -> int | None:
    """Where the push with this revision stands, which may be cut; None for nowhere, or many."""
    near: set[int] = set()
    for at, push in enumerate(pushes):
        for one in push.commits:
            if one.revision == revision:
                return at
            if is_cut(revision) and one.revision.startswith(revision):
                near.add(at)
    return near.pop() if len(near) == 1 else None


def is_cut(revision: str) -> bool:
    """Whether a word may be the beginning of a longer revision."""
    digits = set(revision) <= set("0123456789abcdef")
    return digits and SHORTEST_PREFIX <= len(revision) < 64


def _name_in(line: str) -> str:
    told = json.loads(line)
    if isinstance(told, dict) and "commits" not in told and "repository" in told:
        name = told["repository"]
        return name if isinstance(name, str) else ""
    return ""


def _once(told: Sequence[Push]) -> Iterator[Push]:
    """Each commit once: in the first push that has it."""
    seen: set[str] = set()
    for push in told:
        rest = tuple(one for one in push.commits if one.revision not in seen)
        seen.update(one.revision for one in rest)
        if rest and rest[-1] == push.commits[-1]:
            yield replace(push, commits=rest)


def _place(known: Sequence[Push], told: Sequence[Push]) -> int:
    """Before all that is known, or after it: where nothing is in both."""
    first = next((push.time for push in known if push.time is not None), None)
    last = next((push.time for push in reversed(told) if push.time is not None), None)
    return 0 if first is not None and last is not None and last < first else len(known)


def is_push_number(text: str) -> bool:
    """Whether this is a number that a push may have of its own."""
    return text.isascii() and text.isdigit() and len(text) < 19
