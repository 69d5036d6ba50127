"""What a dry run says that a publish will do, beside what it does."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3server
from failing_proxy import Proxy
from publishing import DAY, NOW, Publishing, small_site

from mtsite.config import PublishConfig
from mtsite.errors import PartlyDoneError
from mtsite.publish import parts, wire
from mtsite.publish.summary import PublishSummary

_place = s3server.place_fixture()
SAME = (
    *("requests", "sent_bytes", "plain_bytes", "new", "changed", "resumed", "dropped"),
    *("deleted", "volatile", "kept", "unchanged", "shards", "generation", "paths"),
)


@pytest.fixture
def one(place: s3server.Place, tmp_path: Path) -> Iterator[Publishing]:
    url, settings = place
    publisher = Publishing(tmp_path / "one", url, settings)
    publisher.build(small_site())
    yield publisher
    publisher.close()


def foretold(one: Publishing, now: int = NOW) -> PublishSummary:
    """Publish after a dry run, and compare both."""
    said = one.publish(now=now, dry_run=True)
    done = one.publish(now=now)
    for name in SAME:
        assert getattr(said, name) == getattr(done, name), name
    assert (done.planned_requests, done.planned_bytes) == (done.requests, done.sent_bytes)
    assert not [line for line in done.lines() if "planned were" in line]
    return done


def test_a_first_publish_is_foretold(one: Publishing) -> None:
    done = foretold(one)
    assert done.requests["PUT"] > len(one.tree)
    assert done.sent_bytes > 0
    assert one.stored() == one.tree


def test_a_change_is_foretold_with_its_manifest(one: Publishing) -> None:
    one.publish()
    one.build(one.tree | {"a/index.html": b"<p>" * 500, "a/new.html": b"<p>" * 900})
    (one.tree_dir / "_status.json").write_bytes(b'{"night": 1}' * 50)
    done = foretold(one)
    assert (done.new, done.changed, done.volatile) == (1, 1, 1)
    assert done.sent_bytes > 0


def test_nothing_new_is_foretold_as_one_request_without_bytes(one: Publishing) -> None:
    one.publish()
    done = foretold(one)
    assert (done.requests, done.sent_bytes) == ({"GET": 1}, 0)


def test_volatile_files_that_left_are_foretold(one: Publishing) -> None:
    status = one.tree_dir / "_status.json"
    status.write_bytes(b"{}")
    one.publish()
    status.unlink()
    one.build(one.tree | {"a/new.html": b"new"})
    assert foretold(one).deleted == 1


def test_deletions_are_foretold(one: Publishing) -> None:
    one.publish()
    one.build({path: content for path, content in one.tree.items() if "w01" not in path})
    assert foretold(one, NOW + 1).dropped > 0
    assert foretold(one, NOW + 9 * DAY).deleted > 0


def test_a_large_file_in_parts_is_foretold(
    one: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "LARGE_BYTES", 5 << 20)
    monkeypatch.setattr(parts, "PART_BYTES", 5 << 20)
    one.build(one.tree | {"_blobs/ab/large.bin": os.urandom(11 << 20)})
    assert foretold(one).sent_bytes > 11 << 20


def test_parts_that_a_publish_left_there_are_foretold_as_there(
    one: Publishing, s3: s3server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not one.url.startswith("s3:"):
        pytest.skip("not applicable: a directory takes no parts")
    monkeypatch.setattr(parts, "LARGE_BYTES", 5 << 20)
    monkeypatch.setattr(parts, "PART_BYTES", 5 << 20)
    path, content = "_blobs/ab/large.bin", os.urandom(11 << 20)
    one.build(one.tree | {path: content})
    bucket, _, prefix = one.url.removeprefix("s3://").partition("/")
    where = {"Bucket": bucket, "Key": f"{prefix}/{path}".lstrip("/")}
    client = s3.client()
    upload = client.create_multipart_upload(**where)["UploadId"]
    client.upload_part(**where, UploadId=upload, PartNumber=1, Body=content[: 5 << 20])
    client.close()
    said = one.publish(dry_run=True)
    done = one.publish()
    assert (said.requests, said.sent_bytes) == (done.requests, done.sent_bytes)
    assert one.stored()[path] == content


def test_a_file_that_is_not_what_was_built_is_foretold_too(one: Publishing) -> None:
    (one.tree_dir / "a/index.html").write_bytes(b"another")
    with pytest.raises(PartlyDoneError, match=r"a/index.html \(changed\)"):
        one.publish(dry_run=True)


def test_what_a_failing_way_adds_is_said(
    s3: s3server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_LONGEST_PAUSE", 0.01)
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    failing = {"PUT": 2}

    def fail(_number: int, method: str) -> str:
        failing[method] = failing.get(method, 0) - 1
        return "500" if failing[method] >= 0 else ""

    with Proxy(s3.endpoint, fail) as proxy:
        settings = PublishConfig(endpoint_url=proxy.endpoint)
        one = Publishing(tmp_path / "one", f"s3://{s3.make_bucket()}", settings)
        one.build(small_site())
        said = one.publish(dry_run=True)
        done = one.publish()
        one.close()
    assert done.requests - said.requests == {"PUT": 2}
    assert done.sent_bytes > said.sent_bytes == done.planned_bytes
    assert [line for line in done.lines() if "planned were" in line and "repeated" in line]
