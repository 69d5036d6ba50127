"""Rights that publishing needs are tried one by one, and nothing is left behind."""

import json
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import s3server
from calling import mtsite
from failing_proxy import Proxy

from mtsite.config import PublishConfig
from mtsite.errors import DestinationError
from mtsite.publish.destination import open_destination
from mtsite.publish.headers import headers_for
from mtsite.publish.probe import Probe, Tried
from mtsite.publish.s3 import S3
from mtsite.publish.setup import apply_setup, plan_setup

WELL = [
    "ask for an object that is not there",
    "put an object",
    "get it back as it was sent",
    "put over it",
    "put under a condition",
    "list",
    "send a large file in parts",
    "delete",
]
PARTS = WELL[-2]


@pytest.fixture
def bucket(s3: s3server.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3.make_bucket()


def tried(url: str, settings: PublishConfig) -> list[Tried]:
    destination = open_destination(url, settings)
    try:
        return Probe(destination).rights()
    finally:
        destination.close()


def test_all_rights_are_there_and_nothing_is_left(s3: s3server.Server, bucket: str) -> None:
    settings = PublishConfig(endpoint_url=s3.endpoint)
    assert tried(f"s3://{bucket}/x", settings) == [Tried(what) for what in WELL]
    there = open_destination(f"s3://{bucket}", settings)
    assert list(there.list()) == []
    there.close()
    client = s3.client()
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")
    client.close()


def test_who_may_only_read_is_told_and_the_rest_is_left_out(
    s3: s3server.Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.reader_environment.items():
        monkeypatch.setenv(name, value)
    found = tried(f"s3://{bucket}/x", PublishConfig(endpoint_url=s3.endpoint))
    assert [bool(each.told) for each in found] == [False, True]
    assert "access denied" in found[-1].told
    assert "s3:PutObject" in found[-1].hint


def test_a_directory_is_tried_as_well(tmp_path: Path) -> None:
    well = [Tried(what) for what in WELL if what != PARTS]
    assert tried(str(tmp_path / "www"), PublishConfig()) == well
    assert not any(path.is_file() for path in (tmp_path / "www").rglob("*"))


def test_a_missing_bucket_ends_it_at_once(s3: s3server.Server, bucket: str) -> None:
    found = tried("s3://no-such-bucket", PublishConfig(endpoint_url=s3.endpoint))
    assert [each.what for each in found] == WELL[: len(found)]
    assert "no bucket" in found[-1].told
    assert found[-1].hint


@pytest.mark.parametrize(
    ("refused", "what"),
    [("GET", "ask for an object that is not there"), ("PUT", "put an object")],
)
def test_what_is_refused_is_named(
    refused: str, what: str, s3: s3server.Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtsite.publish.wire.ATTEMPTS", 1)
    with Proxy(s3.endpoint, lambda _n, method: "500" if method == refused else "") as proxy:
        found = tried(f"s3://{bucket}", PublishConfig(endpoint_url=proxy.endpoint))
    assert (found[-1].what, bool(found[-1].told), bool(found[-1].hint)) == (what, True, True)


def site(tmp_path: Path, url: str, endpoint: str) -> Path:
    file = tmp_path / "mtsite.toml"
    file.write_text(f'[publish]\ndestination = "{url}"\nendpoint_url = "{endpoint}"\n')
    return file


def test_doctor_says_what_is_well_and_what_is_not(
    tmp_path: Path, s3: s3server.Server, bucket: str
) -> None:
    file = site(tmp_path, f"s3://{bucket}/x", s3.endpoint)
    shown = mtsite("--config", str(file), "--json", "doctor", cwd=tmp_path, **s3.environment)
    assert shown.code == 20, shown.err
    checks = {each["what"]: each for each in json.loads(shown.out)["checks"]}
    assert not checks["areas"]["well"]
    assert "mtsite init" in checks["areas"]["hint"]
    assert all(checks[f"destination: {what}"]["well"] for what in WELL)


def test_doctor_can_leave_the_destination_alone(tmp_path: Path) -> None:
    file = site(tmp_path, "s3://nowhere/x", "http://127.0.0.1:9")
    shown = mtsite("--config", str(file), "doctor", "--offline", cwd=tmp_path)
    assert "s3://nowhere/x (not asked)" in shown.out


def read_by_anyone(url: str, method: str = "GET") -> int:
    try:
        answer: HTTPResponse = urlopen(Request(url, method=method, data=None), timeout=10)
    except HTTPError as error:
        error.close()
        return error.code
    with answer:
        return answer.status


@pytest.fixture
def applied(s3: s3server.Server, bucket: str) -> Callable[..., list[tuple[str, str]]]:
    settings = PublishConfig(endpoint_url=s3.endpoint)

    def apply(*, public_read: bool) -> list[tuple[str, str]]:
        planned = plan_setup(f"s3://{bucket}/site", public_read=public_read)
        there = S3(f"s3://{bucket}/site", settings)
        return there.administer(lambda client: apply_setup(client, planned))

    return apply


def test_public_read_lets_anyone_read_below_the_prefix_and_nothing_else(
    s3: s3server.Server, bucket: str, applied: Callable[..., list[tuple[str, str]]]
) -> None:
    there = open_destination(f"s3://{bucket}", PublishConfig(endpoint_url=s3.endpoint))
    for path in ("site/index.html", "other.html"):
        there.put(path, b"hello", headers_for(path))
    there.close()
    address = f"{s3.endpoint}/{bucket}"
    assert read_by_anyone(f"{address}/site/index.html") == 403
    assert ("bucket policy", "applied") in applied(public_read=True)
    assert read_by_anyone(f"{address}/site/index.html") == 200
    assert read_by_anyone(f"{address}/other.html") == 403
    assert read_by_anyone(f"{address}/site/index.html", "DELETE") == 403
    assert read_by_anyone(address) == 403
    assert ("bucket policy", "stands already") in applied(public_read=True)


def test_what_stands_there_is_not_replaced(
    s3: s3server.Server, bucket: str, applied: Callable[..., list[tuple[str, str]]]
) -> None:
    client = s3.client()
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://x.example"]}
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    told = dict(applied(public_read=False))
    assert "another cors configuration stands there" in told["cors"]
    assert "bucket policy" not in told
    (kept,) = client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert kept["AllowedOrigins"] == ["https://x.example"]
    client.close()


def test_setup_prints_the_documents_and_changes_nothing(tmp_path: Path) -> None:
    file = site(tmp_path, "s3://night/site", "http://127.0.0.1:9")
    shown = mtsite(
        "--config", str(file), "--json", "destination", "setup", "--public-read", cwd=tmp_path
    )
    told: dict[str, Any] = json.loads(shown.out)
    assert told["bucket_policy"]["Statement"][0]["Resource"] == ["arn:aws:s3:::night/site/*"]
    private = mtsite("--config", str(file), "destination", "setup", cwd=tmp_path)
    assert "bucket policy" not in private.out
    assert "s3:PutObject" in private.out


def test_a_directory_has_nothing_to_set_up() -> None:
    with pytest.raises(DestinationError, match="is no bucket"):
        plan_setup("/srv/www", public_read=False)
