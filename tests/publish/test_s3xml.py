"""The documents of S3, and what a hostile server may say."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import s3server
from hypothesis import given
from hypothesis import strategies as st

from mtsite.config import PublishConfig
from mtsite.publish.destination import Destination, Stored, open_destination
from mtsite.publish.headers import headers_for
from mtsite.publish.s3xml import delete_body, read_listing, read_not_deleted

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@pytest.fixture
def there(s3: s3server.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Destination]:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    url = f"s3://{s3.make_bucket()}/pre"
    opened = open_destination(url, PublishConfig(endpoint_url=s3.endpoint))
    yield opened
    opened.close()


@given(st.lists(NAMES, max_size=5))
def test_keys_are_escaped_in_a_deletion(keys: list[str]) -> None:
    root = ElementTree.fromstring(delete_body(keys))
    assert [each.text for each in root.iter() if str(each.tag).endswith("Key")] == keys


def test_a_listing_is_read_with_its_quoted_keys() -> None:
    content = (
        b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        b"<IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>"
        b"<Contents><Key>a%2Bb/c+d%01</Key><Size>12</Size><ETag>&quot;e&quot;</ETag></Contents>"
        b"</ListBucketResult>"
    )
    found = read_listing(content)
    assert found.objects == (Stored("a+b/c d\x01", 12, '"e"'),)
    assert found.next_token == "n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Login</html>",
        b"<ListBucketResult>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><ListBucketResult>&a;</ListBucketResult>",
        b"<ListBucketResult><Contents><Size>many</Size></Contents></ListBucketResult>",
    ],
)
def test_what_is_no_listing_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"answer|listing"):
        read_listing(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(content: bytes) -> None:
    for read in (read_listing, read_not_deleted):
        with pytest.raises(ValueError, match="answer"):
            read(content)


def test_more_than_one_page_is_listed_and_deleted(
    there: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mtsite.publish.s3xml as documents

    whole = documents.listing_query
    monkeypatch.setattr(
        documents,
        "listing_query",
        lambda *words: whole(*words).replace("max-keys=1000", "max-keys=2"),
    )
    paths = ["a/1.txt", "a/2 & <3>.txt", "a/ü+%41.txt", "b/4.txt", "b/5.txt"]
    for path in paths:
        there.put(path, b"x", headers_for(path))
    assert sorted(each.path for each in there.list()) == sorted(paths)
    assert there.requests["LIST"] == 3
    assert sorted(each.path for each in there.list("a/")) == sorted(paths[:3])
    there.delete([*paths, "a/never-was.txt"])
    assert there.requests["DELETE"] == 1
    assert list(there.list()) == []


def test_what_can_not_be_deleted_is_told() -> None:
    answer: Any = (
        b"<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code>"
        b"<Message>no</Message></Error></DeleteResult>"
    )
    assert read_not_deleted(answer) == [("a", "no")]
