"""Large files go in parts, and go on where they stopped."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import s3server
from failing_proxy import Proxy

from mtsite.config import PublishConfig
from mtsite.errors import DestinationError
from mtsite.publish import parts, wire
from mtsite.publish.destination import Destination, open_destination
from mtsite.publish.headers import Headers, headers_for

PART = 5 << 20
CONTENT = os.urandom(1 << 16) * 16 * 22
HEADERS = Headers("text/plain; charset=utf-8", "no-cache", content_encoding="gzip")


@pytest.fixture(autouse=True)
def _small_parts(s3: s3server.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LARGE_BYTES", PART)
    monkeypatch.setattr(parts, "PART_BYTES", PART)
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def source() -> BinaryIO:
    return io.BytesIO(CONTENT)


@pytest.fixture
def there(s3: s3server.Server) -> Iterator[Destination]:
    url = f"s3://{s3.make_bucket()}/x"
    opened = open_destination(url, PublishConfig(endpoint_url=s3.endpoint))
    yield opened
    opened.close()


def test_a_large_file_arrives_whole_with_its_headers(
    there: Destination, source: BinaryIO, s3: s3server.Server
) -> None:
    there.put("_blobs/ab/large.log", source, HEADERS)
    found = there.get("_blobs/ab/large.log")
    assert found is not None
    assert found.content == CONTENT
    client = s3.client()
    bucket = there.name.split("/")[2]
    head = client.head_object(Bucket=bucket, Key="x/_blobs/ab/large.log")
    client.close()
    assert (head["ContentType"], head["ContentEncoding"]) == (HEADERS.content_type, "gzip")
    assert there.requests["PUT"] == -(-len(CONTENT) // PART)


def test_what_arrived_before_a_failure_is_not_sent_again(
    s3: s3server.Server, source: BinaryIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ATTEMPTS", 1)
    seen = []

    def third_part_fails(_number: int, method: str) -> str:
        seen.append(method)
        return "500" if method == "PUT" and seen.count("PUT") >= 3 else ""

    url = f"s3://{s3.make_bucket()}"
    with Proxy(s3.endpoint, third_part_fails) as proxy:
        first = open_destination(url, PublishConfig(endpoint_url=proxy.endpoint))
        with pytest.raises(DestinationError):
            first.put("a/large.log", source, HEADERS)
        assert first.get("a/large.log") is None
        first.close()
    second = open_destination(url, PublishConfig(endpoint_url=s3.endpoint))
    second.put("a/large.log", source, HEADERS)
    assert second.requests["PUT"] == -(-len(CONTENT) // PART) - 2
    found = second.get("a/large.log")
    assert found is not None
    assert found.content == CONTENT
    second.close()


def test_parts_of_another_content_are_replaced(there: Destination, source: BinaryIO) -> None:
    there.put("a/large.log", io.BytesIO(bytes(len(CONTENT))), HEADERS)
    there.put("a/large.log", source, HEADERS)
    found = there.get("a/large.log")
    assert found is not None
    assert found.content == CONTENT


def test_parts_that_another_publisher_finished_meanwhile_are_begun_anew(
    there: Destination, source: BinaryIO, s3: s3server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is, too, when the answer to the last request was lost."""
    client, bucket = s3.client(), there.name.split("/")[2]
    taken = parts._parts_there
    ended = []

    def first_ended_by_another(ours: Any, where: str, key: str, upload_id: str) -> Any:
        if not ended:
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
            ended.append(upload_id)
            return {}
        return taken(ours, where, key, upload_id)

    monkeypatch.setattr(parts, "_parts_there", first_ended_by_another)
    there.put("a/large.log", source, HEADERS)
    client.close()
    found = there.get("a/large.log")
    assert ended
    assert found is not None
    assert found.content == CONTENT


def test_a_small_file_is_one_request(there: Destination, tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"x" * 1000)
    with path.open("rb") as file:
        there.put("a/small.log", file, headers_for("a/small.log"))
    assert there.requests == {"PUT": 1}
