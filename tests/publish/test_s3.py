"""What reaches a real server, and what its refusals are told as."""

import gzip
import hashlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import s3server
from botocore.exceptions import ClientError
from publishing import Publishing, page, small_site

from mtsite.config import PublishConfig
from mtsite.errors import DestinationError, UsageError
from mtsite.publish.destination import open_destination
from mtsite.publish.headers import headers_for
from mtsite.publish.s3errors import BY_CODE, explain

LOG = b"compiling main.c\n" * 500
BLOB = hashlib.sha256(LOG).hexdigest()


@pytest.fixture
def server(s3: s3server.Server, monkeypatch: pytest.MonkeyPatch) -> s3server.Server:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3


@pytest.fixture
def client(server: s3server.Server) -> Iterator[Any]:
    opened = server.client()
    yield opened
    opened.close()


def published(server: s3server.Server, tmp_path: Path, prefix: str) -> tuple[str, Publishing]:
    bucket = server.make_bucket()
    settings = PublishConfig(endpoint_url=server.endpoint)
    one = Publishing(tmp_path / "one", f"s3://{bucket}{prefix}", settings)
    one.build(
        small_site()
        | {
            f"_blobs/{BLOB[:2]}/{BLOB}.txt": LOG,
            f"_blobs/{BLOB[:2]}/{BLOB}.png": b"\x89PNG" * 100,
            f"_blobs/{BLOB[:2]}/{BLOB}.html": page(text="<script>" * 50),
            "a/index.json": b'{"tests": []}' * 40,
            "_record/a/t/w00/_run.json": b'{"kept": true}' * 40,
            "_assets/v1/site.js": b"'use strict';" * 40,
            "a/badge.svg": b"<svg/>" * 50,
        }
    )
    one.publish()
    one.close()
    return bucket, one


KINDS = [
    ("a/t/w00/index.html", "text/html; charset=utf-8", "no-cache", None),
    ("a/index.json", "application/json", "no-cache", "gzip"),
    ("_record/a/t/w00/_run.json", "application/json", "no-cache", "gzip"),
    ("_assets/v1/site.js", "text/javascript; charset=utf-8", "no-cache", "gzip"),
    ("a/badge.svg", "image/svg+xml", "no-cache", "gzip"),
    (f"_blobs/{BLOB[:2]}/{BLOB}.txt", "text/plain; charset=utf-8", "immutable", "gzip"),
    (f"_blobs/{BLOB[:2]}/{BLOB}.html", "text/plain; charset=utf-8", "immutable", "gzip"),
    (f"_blobs/{BLOB[:2]}/{BLOB}.png", "image/png", "immutable", None),
    ("_manifest/root.json", "application/json", "no-cache", None),
]


def test_one_of_each_kind_has_its_headers(
    server: s3server.Server, client: Any, tmp_path: Path
) -> None:
    bucket, _ = published(server, tmp_path, "/pre/fix")
    for path, content_type, cache, encoding in KINDS:
        head = client.head_object(Bucket=bucket, Key=f"pre/fix/{path}")
        assert head["ContentType"] == content_type, path
        assert cache in head["CacheControl"], path
        assert head.get("ContentEncoding") == encoding, path
    shard = next(
        found["Key"]
        for found in client.list_objects_v2(Bucket=bucket, Prefix="pre/fix/_manifest/")["Contents"]
        if found["Key"].endswith(".jsonl.gz")
    )
    head = client.head_object(Bucket=bucket, Key=shard)
    assert head["ContentType"] == "application/gzip"
    assert "ContentEncoding" not in head
    assert "immutable" in head["CacheControl"]


def test_packed_objects_are_one_member_of_the_content(
    server: s3server.Server, client: Any, tmp_path: Path
) -> None:
    bucket, one = published(server, tmp_path, "")
    body = client.get_object(Bucket=bucket, Key=f"_blobs/{BLOB[:2]}/{BLOB}.txt")["Body"].read()
    assert gzip.decompress(body) == LOG
    assert (body[4:8], body.count(b"\x1f\x8b\x08")) == (bytes(4), 1)
    assert (
        client.get_object(Bucket=bucket, Key="index.html")["Body"].read()
        == (one.tree["index.html"])
    )


def test_nothing_is_public(server: s3server.Server, tmp_path: Path) -> None:
    bucket, _ = published(server, tmp_path, "")
    from urllib.error import HTTPError
    from urllib.request import urlopen

    with pytest.raises(HTTPError) as refused:
        urlopen(f"{server.endpoint}/{bucket}/index.html", timeout=10)
    assert refused.value.code == 403
    refused.value.close()


def test_a_large_file_arrives_whole(server: s3server.Server, tmp_path: Path) -> None:
    bucket = server.make_bucket()
    settings = PublishConfig(endpoint_url=server.endpoint)
    one = Publishing(tmp_path / "one", f"s3://{bucket}", settings)
    large = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(300_000))
    one.build({"index.html": page(), "_blobs/ab/large.bin": large, "a/big.html": large * 2})
    one.publish()
    assert one.stored() == one.tree
    one.close()


def refusal(url: str, settings: PublishConfig) -> DestinationError:
    with pytest.raises(DestinationError) as refused:
        destination = open_destination(url, settings)
        try:
            destination.get("_manifest/root.json")
        finally:
            destination.close()
    assert refused.value.exit_code == 12
    assert refused.value.hint
    return refused.value


def test_a_missing_bucket_is_named(server: s3server.Server) -> None:
    told = refusal("s3://no-such-bucket/x", PublishConfig(endpoint_url=server.endpoint))
    assert "there is no bucket 'no-such-bucket'" in told.message


def test_a_wrong_secret_is_told(server: s3server.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    told = refusal("s3://x", PublishConfig(endpoint_url=server.endpoint))
    assert "secret key is wrong" in told.message


def test_an_unknown_key_is_told(server: s3server.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    told = refusal("s3://x", PublishConfig(endpoint_url=server.endpoint))
    assert "does not know this access key" in told.message


def test_no_credentials_is_told() -> None:
    told = refusal("s3://x", PublishConfig(endpoint_url="http://127.0.0.1:9"))
    assert "no credentials found" in told.message
    assert "AWS_PROFILE" in told.hint


def test_nobody_listening_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtsite.publish.wire.ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = refusal("s3://x", PublishConfig(endpoint_url=f"http://127.0.0.1:{port}"))
    assert f"no server answers at http://127.0.0.1:{port}" in told.message


def test_an_unknown_profile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "nobody" in refusal("s3://x", PublishConfig()).message


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_known_refusal_says_what_to_do(code: str) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "\x1b[31m"}}
    told = explain(ClientError(answer, "PutObject"), "s3://b: x", "b", "")
    assert told.message.startswith("s3://b: x: ")
    assert told.hint
    assert (told.message + told.hint).isprintable()


def test_an_unknown_refusal_is_told_by_its_status() -> None:
    answer: Any = {
        "Error": {"Code": "Weird", "Message": "m"},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }
    told = explain(ClientError(answer, "PutObject"), "s3://b", "b", "")
    assert "access denied" in told.message


@pytest.mark.parametrize("url", ["s3://", "s3:///x", "s3://b/x?y", "s3://b#x"])
def test_an_address_without_bucket_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no s3://bucket/prefix"):
        open_destination(url, PublishConfig())


def test_an_unknown_scheme_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="known: s3, file"):
        open_destination("ftp://host/x", PublishConfig())


def test_a_directory_needs_no_boto3(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "import mtsite.publish.upload, mtsite.commands.publish\n"
        "from mtsite.config import PublishConfig\n"
        "from mtsite.publish.destination import open_destination\n"
        f"open_destination({str(tmp_path)!r}, PublishConfig()).get('x')\n"
        "sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)\n"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment).returncode == 0


def test_a_get_and_a_put_need_no_boto3(server: s3server.Server) -> None:
    script = (
        "import sys\n"
        "from mtsite.config import PublishConfig\n"
        "from mtsite.publish.destination import open_destination\n"
        "from mtsite.publish.headers import headers_for\n"
        f"settings = PublishConfig(endpoint_url={server.endpoint!r})\n"
        f"there = open_destination('s3://{server.make_bucket()}', settings)\n"
        "tag = there.put('index.html', b'x', headers_for('index.html'))\n"
        "assert there.get('index.html', unless=tag).unchanged\n"
        "sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)\n"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path), **server.environment}
    assert subprocess.run([sys.executable, "-c", script], env=environment).returncode == 0


def test_headers_say_what_may_be_kept() -> None:
    assert "public" not in headers_for(f"_blobs/ab/{BLOB}.txt").cache_control
