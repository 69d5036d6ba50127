"""Every destination passes the same tests: a directory, and a real S3 server."""

import errno
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3server

from mtsite.config import PublishConfig
from mtsite.publish.destination import ABSENT, Destination, PreconditionFailed, open_destination
from mtsite.publish.dryrun import DryRun
from mtsite.publish.headers import headers_for

HEADERS = headers_for("a.html")
HOSTILE = [
    "a/b=c,d@e/~2Fetc/index.html",
    "~/index.html",
    "a/%2e%2e/index.html",
    "a/~~0123456789abcdef/x.html",
    "a/.../x",
    "a/-rf/x",
    "a/_tests/~3Cscript~3E/index.html",
    "a/" + "/".join(["x" * 120] * 7),
]


@pytest.fixture(params=["directory", "s3"])
def destination(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Destination]:
    if request.param == "directory":
        opened = open_destination(str(tmp_path / "www" / "site"), PublishConfig())
    else:
        server: s3server.Server = request.getfixturevalue("s3")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        settings = PublishConfig(endpoint_url=server.endpoint)
        opened = open_destination(f"s3://{server.make_bucket()}/some/prefix", settings)
    yield opened
    opened.close()


def test_what_is_put_is_got(destination: Destination) -> None:
    tag = destination.put("a/index.html", b"one", HEADERS)
    found = destination.get("a/index.html")
    assert found is not None
    assert (found.content, found.tag, found.unchanged) == (b"one", tag, False)


def test_what_is_not_there_is_none(destination: Destination) -> None:
    assert destination.get("a/index.html") is None
    assert destination.get("a/index.html", unless="x") is None


def test_what_is_fetched_takes_the_place_of_what_the_file_held(
    destination: Destination, tmp_path: Path
) -> None:
    destination.put("a.html", b"two", HEADERS)
    with (tmp_path / "file").open("w+b") as file:
        file.write(b"something longer")
        assert destination.fetch("a.html", file)
        assert file.read() == b"two"
        assert not destination.fetch("b.html", file)


class FullFile(io.BytesIO):
    asked = 0

    def write(self, content: object) -> int:
        self.asked += 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_that_cant_be_written_is_no_fault_of_the_destination(
    destination: Destination,
) -> None:
    destination.put("a.html", b"two", HEADERS)
    file = FullFile()
    with pytest.raises(OSError, match="No space left"):
        destination.fetch("a.html", file)
    assert file.asked == 1


def test_an_empty_file_is_a_file(destination: Destination) -> None:
    destination.put(".nojekyll", b"", HEADERS)
    found = destination.get(".nojekyll")
    assert found is not None
    assert found.content == b""


def test_a_known_tag_answers_unchanged(destination: Destination) -> None:
    tag = destination.put("root.json", b"one", HEADERS)
    found = destination.get("root.json", unless=tag)
    assert found is not None
    assert (found.unchanged, found.content, found.tag) == (True, b"", tag)


def test_an_old_tag_gets_the_new_content(destination: Destination) -> None:
    old = destination.put("root.json", b"one", HEADERS)
    new = destination.put("root.json", b"two", HEADERS)
    found = destination.get("root.json", unless=old)
    assert found is not None
    assert (found.unchanged, found.content, found.tag) == (False, b"two", new)


def test_a_file_is_put_from_its_start(destination: Destination) -> None:
    content = bytes(range(256)) * 8192
    destination.put("_blobs/ab/x.bin", io.BytesIO(content), HEADERS)
    found = destination.get("_blobs/ab/x.bin")
    assert found is not None
    assert found.content == content


def test_put_only_where_nothing_lies(destination: Destination) -> None:
    destination.put("root.json", b"one", HEADERS, only_if=ABSENT)
    with pytest.raises(PreconditionFailed):
        destination.put("root.json", b"two", HEADERS, only_if=ABSENT)
    found = destination.get("root.json")
    assert found is not None
    assert found.content == b"one"


def test_put_only_over_the_content_that_was_seen(destination: Destination) -> None:
    first = destination.put("root.json", b"one", HEADERS)
    second = destination.put("root.json", b"two", HEADERS, only_if=first)
    with pytest.raises(PreconditionFailed):
        destination.put("root.json", b"three", HEADERS, only_if=first)
    found = destination.get("root.json")
    assert found is not None
    assert (found.content, found.tag) == (b"two", second)


def test_a_tag_of_what_went_away_is_refused(destination: Destination) -> None:
    tag = destination.put("root.json", b"one", HEADERS)
    destination.delete(["root.json"])
    with pytest.raises(PreconditionFailed):
        destination.put("root.json", b"two", HEADERS, only_if=tag)


def test_of_many_at_once_one_wins(destination: Destination) -> None:
    start = destination.put("root.json", b"start", HEADERS)
    won: list[bytes] = []

    def write(content: bytes) -> None:
        try:
            destination.put("root.json", content, HEADERS, only_if=start)
        except PreconditionFailed:
            return
        won.append(content)

    threads = [threading.Thread(target=write, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = destination.get("root.json")
    assert found is not None
    assert won == [found.content]


def test_delete_takes_what_is_there(destination: Destination) -> None:
    for path in ("a/b/x", "a/y", "z"):
        destination.put(path, b"x", HEADERS)
    destination.delete(["a/b/x", "z", "was/never/there"])
    assert {found.path for found in destination.list()} == {"a/y"}


def test_delete_of_more_than_one_request_holds(destination: Destination) -> None:
    destination.put("x1100", b"x", HEADERS)
    destination.delete([f"x{number}" for number in range(1101)])
    assert list(destination.list()) == []


def test_list_knows_prefix_and_size(destination: Destination) -> None:
    for path in ("a/x", "a-b", "b/x"):
        destination.put(path, b"12345", HEADERS)
    assert {(s.path, s.size) for s in destination.list("a")} == {("a/x", 5), ("a-b", 5)}
    assert {s.path for s in destination.list("a/")} == {"a/x"}


def test_list_of_nothing_is_empty(destination: Destination) -> None:
    assert list(destination.list()) == []


def test_hostile_paths_come_back_as_they_are(destination: Destination) -> None:
    for path in HOSTILE:
        destination.put(path, path.encode(), HEADERS)
    assert {found.path for found in destination.list()} == set(HOSTILE)
    for path in HOSTILE:
        found = destination.get(path)
        assert found is not None
        assert found.content == path.encode()


def test_requests_are_counted_by_kind(destination: Destination) -> None:
    destination.put("x", b"x", HEADERS)
    destination.get("x")
    destination.get("y")
    destination.delete(["x"])
    list(destination.list())
    assert destination.requests == {"PUT": 1, "GET": 2, "DELETE": 1, "LIST": 1}


def test_a_dry_run_reads_and_never_writes(destination: Destination) -> None:
    destination.put("x", b"x", HEADERS)
    dry = DryRun(destination)
    dry.put("y", b"y", HEADERS)
    dry.delete(["x"])
    found = dry.get("x")
    assert found is not None
    assert found.content == b"x"
    assert {stored.path for stored in dry.list()} == {"x"}
