"""A large object in parts: what arrived before a publish died is not sent again.

Which parts the server has, it says itself: nothing is kept here. A part is the same when its MD5 is
the one that the server gives, so the same file, packed the same way, goes on where it stopped.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from mtsite.publish.headers import Headers

LARGE_BYTES = 64 << 20
"""Larger sources go in parts."""

PART_BYTES = 16 << 20
_MOST_PARTS = 10_000
_PARTS_LISTED = 1000


def put_in_parts(client: Any, bucket: str, key: str, source: BinaryIO, headers: Headers) -> str:
    """Send an object part by part, those that the server lacks; its tag comes back.

    `client` is boto3's. Readers see the old object until the last part is there.

    Raises:
        botocore's errors: the parts that arrived stay, and are found by the next call.
    """
    try:
        return _put(client, bucket, key, source, headers)
    except client.exceptions.NoSuchUpload:
        # Another publisher took the same parts and was first, or the last answer was lost.
        return _put(client, bucket, key, source, headers)


def _put(client: Any, bucket: str, key: str, source: BinaryIO, headers: Headers) -> str:
    upload_id = _unfinished(client, bucket, key) or _begin(client, bucket, key, headers)
    there = _parts_there(client, bucket, key, upload_id)
    where = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
    finished = []
    for number, part in enumerate(_parts(source), start=1):
        tag = _tag(part)
        if there.get(number) != tag:
            # The server compares: nobody on the way can cut a part unseen.
            told = b64encode(bytes.fromhex(tag.strip('"'))).decode()
            tag = client.upload_part(**where, PartNumber=number, Body=part, ContentMD5=told)["ETag"]
        finished.append({"PartNumber": number, "ETag": tag})
    answer = client.complete_multipart_upload(**where, MultipartUpload={"Parts": finished})
    return str(answer["ETag"])


def try_parts(client: Any, bucket: str, key: str, headers: Headers) -> None:
    """Every call of `put_in_parts` but the last one, and what takes them back.

    Raises:
        botocore's errors: a right is missing.
    """
    upload_id = _begin(client, bucket, key, headers)
    where = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
    try:
        _unfinished(client, bucket, key)
        client.upload_part(**where, PartNumber=1, Body=b"mtsite")
        _parts_there(client, bucket, key, upload_id)
    finally:
        client.abort_multipart_upload(**where)


def requests_of(size: int) -> Mapping[str, int]:
    """What an object of so many bytes asks for that nobody has begun to send, by kind."""
    return {"LIST": 2, "POST": 2, "PUT": -(-size // _step(size))}


def rest_of(client: Any, bucket: str, key: str, source: BinaryIO) -> tuple[Mapping[str, int], int]:
    """Requests and bytes of `put_in_parts` of this very source; the server is only read.

    Raises:
        botocore's errors: what lies there can't be asked.
    """
    size = source.seek(0, 2)
    upload_id = _unfinished(client, bucket, key)
    if not upload_id:
        return requests_of(size), size
    there = _parts_there(client, bucket, key, upload_id)
    lacking = [
        len(part)
        for number, part in enumerate(_parts(source), start=1)
        if there.get(number) != _tag(part)
    ]
    pages = max(1, -(-len(there) // _PARTS_LISTED))
    return {"LIST": 1 + pages, "POST": 1, "PUT": len(lacking)}, sum(lacking)


def _begin(client: Any, bucket: str, key: str, headers: Headers) -> str:
    extra = {"ContentEncoding": headers.content_encoding} if headers.content_encoding else {}
    answer = client.create_multipart_upload(
        Bucket=bucket,
        Key=key,
        ContentType=headers.content_type,
        CacheControl=headers.cache_control,
        **extra,
    )
    return str(answer["UploadId"])


def _unfinished(client: Any, bucket: str, key: str) -> str:
    """The newest upload of this key that was begun and not finished, '' if there is none."""
    answer = client.list_multipart_uploads(Bucket=bucket, Prefix=key)
    begun = [each for each in answer.get("Uploads", []) if each["Key"] == key]
    return max(begun, key=lambda each: str(each.get("Initiated")))["UploadId"] if begun else ""


def _parts_there(client: Any, bucket: str, key: str, upload_id: str) -> Mapping[int, str]:
    pages = client.get_paginator("list_parts")
    return {
        part["PartNumber"]: part["ETag"]
        for page in pages.paginate(Bucket=bucket, Key=key, UploadId=upload_id)
        for part in page.get("Parts", [])
    }


def _tag(part: bytes) -> str:
    return f'"{hashlib.md5(part, usedforsecurity=False).hexdigest()}"'


def _parts(source: BinaryIO) -> Iterator[bytes]:
    size = source.seek(0, 2)
    source.seek(0)
    while part := source.read(_step(size)):
        yield part


def _step(size: int) -> int:
    return max(PART_BYTES, -(-size // _MOST_PARTS))
