"""S3 and everything that speaks it; the only file that knows boto3.

Plain dialect: path-style addresses where an endpoint is named, no checksum header unless the server
asks for one, conditional PUT, and never an ACL: what is published is as private as the bucket.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from mtsite.config import PublishConfig
from mtsite.errors import DestinationError, UsageError
from mtsite.publish.destination import ABSENT, Found, PreconditionFailed, Source, Stored, Tag
from mtsite.publish.headers import Headers
from mtsite.publish.s3errors import explain

_ATTEMPTS = 5
_ABSENT_CODES = {"NoSuchKey", "404"}
_LOST_CODES = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_UNCHANGED_CODES = {"304", "NotModified"}


class S3:
    """`s3://bucket/prefix`; credentials come from boto3's own chain."""

    keeps_headers = True
    deletes_at_once = 1000
    epoch = ""

    def __init__(self, url: str, settings: PublishConfig) -> None:
        parts = urlsplit(url)
        if not parts.netloc or parts.query or parts.fragment:
            raise UsageError(f"{url!r} is no s3://bucket/prefix")
        self.name = url
        self.requests: Counter[str] = Counter()
        self._bucket = parts.netloc
        prefix = parts.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._endpoint = settings.endpoint_url
        self._counting = threading.Lock()
        with self._told(""):
            self._client = self._connect(settings)

    def get(self, path: str, *, unless: Tag = "") -> Found | None:
        """The object's bytes as stored; a packed one is still packed."""
        condition = {"IfNoneMatch": unless} if unless else {}
        with self._told(path):
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=self._key(path), **condition
                )
                with answer["Body"] as body:
                    return Found(body.read(), answer["ETag"])
            except ClientError as error:
                if _code(error) in _ABSENT_CODES:
                    return None
                if _code(error) in _UNCHANGED_CODES:
                    return Found(b"", unless, unchanged=True)
                raise

    def put(
        self, path: str, source: Source, headers: Headers, *, only_if: Tag | None = None
    ) -> Tag:
        """One PUT; what a reader sees is the old object or the new one."""
        extra: dict[str, Any] = {
            "ContentType": headers.content_type,
            "CacheControl": headers.cache_control,
        }
        if headers.content_encoding:
            extra["ContentEncoding"] = headers.content_encoding
        if only_if is not None:
            extra |= {"IfNoneMatch": "*"} if only_if == ABSENT else {"IfMatch": only_if}
        with self._told(path):
            try:
                answer = self._client.put_object(
                    Bucket=self._bucket, Key=self._key(path), Body=source, **extra
                )
            except ClientError as error:
                # A server may say of If-Match on an object that went away: there is no such key.
                lost = _LOST_CODES if only_if in {None, ABSENT} else _LOST_CODES | _ABSENT_CODES
                if only_if is not None and _code(error) in lost:
                    raise PreconditionFailed(path) from error
                raise
            return str(answer["ETag"])

    def flush(self) -> None:
        """A server answers a PUT when the object is safe."""

    def delete(self, paths: Sequence[str]) -> None:
        """Up to a thousand objects a request."""
        for start in range(0, len(paths), self.deletes_at_once):
            batch = paths[start : start + self.deletes_at_once]
            with self._told(batch[0]):
                answer = self._client.delete_objects(
                    Bucket=self._bucket,
                    Delete={"Objects": [{"Key": self._key(path)} for path in batch], "Quiet": True},
                )
            for refused in answer.get("Errors", [])[:1]:
                raise DestinationError(
                    f"{self.name}: {refused.get('Key')} can't be deleted: {refused.get('Message')}",
                    "allow s3:DeleteObject there",
                )

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Everything below the prefix; the order differs between servers."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._told(prefix):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for found in page.get("Contents", []):
                    yield Stored(found["Key"].removeprefix(self._prefix), found["Size"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _key(self, path: str) -> str:
        return self._prefix + path

    def _connect(self, settings: PublishConfig) -> Any:
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=settings.endpoint_url or None,
            region_name=settings.region,
            config=ClientConfig(
                s3={"addressing_style": "path" if settings.endpoint_url else "auto"},
                retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
                max_pool_connections=settings.threads + 1,
                connect_timeout=10,
                read_timeout=60,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        client.meta.events.register("before-send.s3", self._count)
        return client

    def _count(self, request: Any, **_: object) -> None:
        kind = request.method
        if kind == "POST":
            kind = "DELETE"
        elif kind == "GET" and "list-type=" in request.url:
            kind = "LIST"
        with self._counting:
            self.requests[kind] += 1

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            where = f"{self.name}: {path}" if path else self.name
            raise explain(error, where, self._bucket, self._endpoint) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
