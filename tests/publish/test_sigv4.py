"""What is signed here is what boto3 would have signed."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from mtsite.publish.s3xml import listing_query
from mtsite.publish.sigv4 import Keys, Signer, quoted

KEYS = [Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPx"), Keys("ASIA", "s3cret", "tok/en+==")]
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


class NotSent(Exception):
    """The request as boto3 would have sent it."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        self.request = request


def sent_by_boto3(keys: Keys, endpoint: str, operation: str, **words: Any) -> AWSPreparedRequest:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
        aws_session_token=keys.token or None,
        config=Config(
            s3={"addressing_style": "path", "payload_signing_enabled": True},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
        ),
    )

    def hold(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        raise NotSent(request)

    client.meta.events.register("before-send.s3", hold)
    try:
        getattr(client, operation)(Bucket="site", **words)
    except NotSent as held:
        return held.request
    finally:
        client.close()
    raise AssertionError("boto3 sent nothing")


def text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def assert_signed_alike(
    keys: Keys, key: str, request: AWSPreparedRequest, query: str | None = None
) -> None:
    headers = {name.lower(): text(value) for name, value in request.headers.items()}
    theirs = headers["authorization"]
    names = theirs.split("SignedHeaders=")[1].split(",")[0].split(";")
    own = {"x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}
    host = request.url.split("/")[2]
    given_headers = {name: headers.get(name, host) for name in names if name not in own}
    path = f"/site/{quoted(key)}" if query is None else f"/site?{query}"
    bare, _, theirs_asked = request.url.partition("?")
    assert bare.endswith(path.partition("?")[0])
    assert sorted(parse_qsl(query or "", True)) == sorted(parse_qsl(theirs_asked, True))
    when = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    payload = headers["x-amz-content-sha256"]
    ours = Signer("eu-central-1").sign(
        str(request.method), path, given_headers, payload, keys, when
    )
    assert ours["authorization"] == theirs


@pytest.mark.parametrize("keys", KEYS, ids=["lasting", "expiring"])
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:8333", "https://s3.example:444"])
@pytest.mark.parametrize("condition", [{}, {"IfMatch": '"abc"'}, {"IfNoneMatch": "*"}])
def test_a_put_is_signed_as_boto3_does(keys: Keys, endpoint: str, condition: Any) -> None:
    request = sent_by_boto3(
        keys,
        endpoint,
        "put_object",
        Key="a/index.html",
        Body=b"<p>hello",
        ContentType="text/html; charset=utf-8",
        CacheControl="no-cache",
        ContentEncoding="gzip",
        **condition,
    )
    assert_signed_alike(keys, "a/index.html", request)


@pytest.mark.parametrize("keys", KEYS, ids=["lasting", "expiring"])
def test_a_conditional_get_is_signed_as_boto3_does(keys: Keys) -> None:
    request = sent_by_boto3(
        keys, "http://127.0.0.1:8333", "get_object", Key="_manifest/root.json", IfNoneMatch='"x"'
    )
    assert_signed_alike(keys, "_manifest/root.json", request)


@pytest.mark.parametrize("prefix", ["", "pre/fix/", "a b+c/", "ü/~2F&=", "'(!*)'"])
def test_a_listing_is_signed_as_boto3_does(prefix: str) -> None:
    request = sent_by_boto3(
        KEYS[1],
        "http://127.0.0.1:8333",
        "list_objects_v2",
        Prefix=prefix,
        MaxKeys=1000,
        ContinuationToken="to/ken+=",
    )
    assert_signed_alike(KEYS[1], "", request, listing_query(prefix, "to/ken+="))


@pytest.mark.parametrize("keys", KEYS, ids=["lasting", "expiring"])
def test_a_deletion_is_signed_as_boto3_does(keys: Keys) -> None:
    request = sent_by_boto3(
        keys, "http://127.0.0.1:8333", "delete_objects", Delete={"Objects": [{"Key": "a"}]}
    )
    assert_signed_alike(keys, "", request, "delete=")


@pytest.mark.parametrize(
    "key", ["a~2Fb/c", "a b+c", "ü/日本", "x=1,y@2&z", "'(!*)'", "%41", "a#b?c"]
)
def test_any_key_is_quoted_as_boto3_does(key: str) -> None:
    request = sent_by_boto3(KEYS[0], "http://127.0.0.1:8333", "put_object", Key=key, Body=b"x")
    assert_signed_alike(KEYS[0], key, request)


@given(NAMES, st.binary(max_size=50))
def test_the_signature_covers_key_and_payload(key: str, body: bytes) -> None:
    import hashlib

    signer, now = Signer("us-east-1"), datetime(2026, 1, 2, tzinfo=UTC)
    digest = hashlib.sha256(body).hexdigest()

    def signature(path: str, payload: str) -> str:
        return signer.sign("PUT", path, {"host": "h"}, payload, KEYS[0], now)["authorization"]

    assert signature(quoted(key), digest) != signature(quoted(key + "x"), digest)
    assert signature(quoted(key), digest) != signature(quoted(key), "0" * 64)


def test_threads_on_both_sides_of_midnight_sign_each_with_their_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signer = Signer("us-east-1")
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)] * 2

    def sign(day: datetime) -> set[str]:
        host = {"host": "h"}
        return {
            signer.sign("GET", "/b/k", host, "0" * 64, KEYS[0], day)["authorization"]
            for _ in range(300)
        }

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert [len(found) for found in pool.map(sign, days)] == [1, 1, 1, 1]
    finally:
        sys.setswitchinterval(before)


def test_a_new_day_has_a_new_signing_key() -> None:
    signer = Signer("us-east-1")
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 1)]
    first, second, third = (
        signer.sign("GET", "/b/k", {"host": "h"}, "0" * 64, KEYS[0], day)["authorization"]
        for day in days
    )
    assert first == third != second
