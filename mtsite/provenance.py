"""What a run was made from, as its attributes say: a revision, a push, builds with artifacts.

    repository            what is tested, as firefox or team/chip
    revision              the revision that was tested; also: commit, changeset
    push                  its push, where that has a name of its own: a number, or its last revision
    build                 what was built of it, by a name that no other build of the repository has
    build.url             where that build is described
    build.artifact.NAME   a file of it, in words of any order: sha256:HEX, bytes, address

Case does not matter in these names, and `.`, `-` and `_` are the same: BUILD_URL is build.url.
`ingest objects` spells builds and pushes in another way, as `build ID: url` and `push: author`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

LONGEST_NAME = 300
MOST_ARTIFACTS = 500
MOST_BUILDS = 20
MOST_COMMITS = 500
_PLAIN = {
    "repository": "repository",
    "repo": "repository",
    "revision": "revision",
    "commit": "revision",
    "changeset": "revision",
    "push": "push",
    "build": "build",
    "build.id": "build",
    "build.url": "build.url",
}
_ARTIFACT = "build.artifact."
_DIGEST = re.compile(r"(?:(?:md5|sha1|sha256|sha384|sha512):)?[0-9a-f]{32,128}", re.IGNORECASE)
_OF_BUILD = "build "
_OF_PUSH = "push: "
_OBJECT_ARTIFACT = re.compile(r"artifacts\[(\d+)\](?:\.(\w+))?|artifacts\.(.+)")
_COMMIT = re.compile(r"(?:commits|revisions)\[(\d+)\](?:\.(\w+))?")
_FIELDS = {"digest": "digest", "sha256": "digest", "sha512": "digest", "size": "size"}
_FIELDS |= {"url": "url", "name": "name", "path": "name"}


class Artifact(Struct, frozen=True, order=True):
    """A file of a build; '' and -1 (`size_bytes`) where nobody says. `said` is what is no address,
    digest or size."""

    name: str
    url: str = ""
    digest: str = ""
    size_bytes: int = -1
    said: str = ""


class Build(Struct, frozen=True):
    """A build as one run names it."""

    id: str
    url: str = ""
    artifacts: tuple[Artifact, ...] = ()


class Commit(Struct, frozen=True):
    """One change: `time` in Unix seconds, None where nobody says; `message` may have many lines."""

    revision: str
    author: str = ""
    time: int | None = None
    message: str = ""


class Push(Struct, frozen=True):
    """What came into a repository at once: its commits, oldest first; the last one is its head.

    `id` is the name that it has of its own, '' for none.
    """

    commits: tuple[Commit, ...]
    id: str = ""
    author: str = ""
    time: int | None = None

    @property
    def revision(self) -> str:
        """The revision by which it is known: that of its last commit."""
        return self.commits[-1].revision

    @property
    def by(self) -> str:
        """Who pushed it; where nobody says, who made its last commit."""
        return self.author or self.commits[-1].author


class Provenance(Struct, frozen=True):
    """What a run says of where it came from; '' for what it does not say.

    `said` is what it says of its push beyond its name (`ingest objects`).
    """

    repository: str = ""
    revision: str = ""
    push: str = ""
    builds: tuple[Build, ...] = ()
    said: Push | None = None

    @property
    def named(self) -> str:
        """By what the push is called here: the revision, else its own name; '' for neither."""
        return self.revision or self.push


NOTHING = Provenance()


def provenance_of(attributes: Iterable[tuple[str, str]]) -> Provenance:
    """What the attributes of a run say; of two of one name the first counts."""
    plain: dict[str, str] = {}
    artifacts: list[Artifact] = []
    rest: list[tuple[str, str]] = []
    for name, value in attributes:
        name = name.strip()
        key = _spelled(name)
        if key in _PLAIN:
            if value.strip() and len(value) <= LONGEST_NAME:
                plain.setdefault(_PLAIN[key], value.strip())
        elif key.startswith(_ARTIFACT) and len(name) > len(_ARTIFACT):
            artifacts.append(_artifact(name[len(_ARTIFACT) :], value))
        else:
            rest.append((name, value))
    revision = _revision(plain.get("revision", ""))
    builds = {one.id: one for one in _object_builds(rest)}
    if "build" in plain:
        url = plain.get("build.url", "")
        files = tuple(artifacts[:MOST_ARTIFACTS])
        builds = {plain["build"]: Build(plain["build"], url, files), **builds}
    return Provenance(
        plain.get("repository", ""),
        revision,
        plain.get("push", ""),
        tuple(builds.values())[:MOST_BUILDS],
        _object_push(rest, revision),
    )


def encode(push: Push) -> str:
    """A push as one line of JSON."""
    told: dict[str, object] = {"id": push.id, "author": push.author, "time": push.time}
    commits = [
        {"revision": c.revision, "author": c.author, "time": c.time, "message": c.message}
        for c in push.commits
    ]
    return json.dumps({**told, "commits": commits}, separators=(",", ":"))


def decode(line: str) -> Push:
    """What `encode` gave, or a person wrote in its form.

    Raises:
        ValueError: it is something else; the message says what.
    """
    told = json.loads(line)
    commits = told.get("commits") if isinstance(told, dict) else None
    if not isinstance(commits, list) or not commits:
        raise ValueError("has no commits")
    return Push(
        tuple(_read_commit(one) for one in commits),
        _text(told.get("id")),
        _text(told.get("author")),
        _time(told.get("time")),
    )


def _read_commit(told: object) -> Commit:
    if isinstance(told, str):
        told = {"revision": told}
    if not isinstance(told, dict) or not _text(told.get("revision")).strip():
        raise ValueError("a commit has no revision")
    return Commit(
        _revision(_text(told["revision"]).strip()[:LONGEST_NAME].strip()),
        _text(told.get("author")),
        _time(told.get("time")),
        _text(told.get("message")),
    )


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _time(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 253_402_300_800 else None


def _spelled(name: str) -> str:
    return name.strip().lower().replace("-", ".").replace("_", ".")


def _revision(text: str) -> str:
    """Digests are the same in capitals; other words may not be."""
    return text.lower() if re.fullmatch("[0-9A-Fa-f]{7,128}", text) else text


def _artifact(name: str, value: str) -> Artifact:
    url, digest, size, said = "", "", -1, []
    for word in value.split():
        if word.lower().startswith(("http://", "https://")) and not url:
            url = word
        elif _DIGEST.fullmatch(word) and not digest:
            digest = word.lower()
        elif word.isascii() and word.isdigit() and len(word) < 19 and size < 0:
            size = int(word)
        else:
            said.append(word)
    return Artifact(name, url, digest, size, " ".join(said))


def _object_builds(attributes: Sequence[tuple[str, str]]) -> list[Build]:
    """The builds that `ingest objects` knew of: their fields stand after `build ID: `."""
    ids = [v for n, v in attributes if n == f"{_OF_BUILD}{v}: id" and 0 < len(v) <= LONGEST_NAME]
    return [_object_build(one, dict(attributes)) for one in ids[:MOST_BUILDS]]


def _object_build(build: str, attributes: Mapping[str, str]) -> Build:
    prefix = f"{_OF_BUILD}{build}: "
    files: dict[str, dict[str, str]] = {}
    for name, value in attributes.items():
        path = name.removeprefix(prefix)
        found = _OBJECT_ARTIFACT.fullmatch(path) if path != name else None
        if found is None:
            continue
        if found[3] is not None:
            files[found[3]] = {"name": found[3], "": value}
        else:
            files.setdefault(found[1], {})[_FIELDS.get(found[2] or "", found[2] or "")] = value
    artifacts = []
    for number, told in list(files.items())[:MOST_ARTIFACTS]:
        words = [told.get(key, "") for key in ("url", "digest", "size", "")]
        artifacts.append(_artifact(told.get("name", number), " ".join(words)))
    return Build(build, attributes.get(f"{prefix}url", ""), tuple(artifacts))


def _object_push(attributes: Sequence[tuple[str, str]], revision: str) -> Push | None:
    """The push that `ingest objects` knew of: its fields stand after `push: `."""
    told = {n.removeprefix(_OF_PUSH): v for n, v in attributes if n.startswith(_OF_PUSH)}
    if not told or not revision:
        return None
    commits: dict[int, dict[str, str]] = {}
    for path, value in told.items():
        found = _COMMIT.fullmatch(path)
        if found is not None and len(commits) < MOST_COMMITS and len(found[1]) < 9:
            commits.setdefault(int(found[1]), {})[found[2] or "revision"] = value
    listed = [
        Commit(
            _revision(one["revision"].strip()[:LONGEST_NAME].strip()),
            one.get("author", ""),
            _seconds(one.get("time", "")),
            one.get("message") or one.get("comments") or one.get("desc") or "",
        )
        for _, one in sorted(commits.items())
        if one.get("revision", "").strip()
    ]
    author = told.get("author", "")
    when = _seconds(told.get("time") or told.get("push_timestamp") or "")
    if revision not in {one.revision for one in listed}:
        listed.append(Commit(revision, author, when, told.get("message", "")))
    own = told.get("id", "")
    return Push(tuple(listed), own if len(own) <= LONGEST_NAME else "", author, when)


def _seconds(text: str) -> int | None:
    try:
        return _time(float(text))
    except ValueError:
        return None
