"""S3 and everything that speaks it.

What every publish asks for is signed and sent here (`wire.py`): a fifth of boto3's work per object,
and nothing to load. Large files in parts are boto3's, loaded when they are needed. Plain dialect:
path-style addresses where an endpoint is named, no checksum header unless the server asks for one,
conditional PUT, and never an ACL: what is published is as private as the bucket.
"""

import hashlib
import os
import ssl
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from http.client import HTTPException
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from mtsite.config import PublishConfig
from mtsite.errors import DestinationError, UsageError
from mtsite.publish import account, parts, s3xml, wire
from mtsite.publish.destination import (
    ABSENT,
    Found,
    PreconditionFailed,
    Source,
    Stored,
    Tag,
    UnwritableError,
    size_of,
)
from mtsite.publish.headers import Headers
from mtsite.publish.s3errors import explain
from mtsite.publish.sigv4 import quoted
from mtsite.publish.wire import Answer, RefusedError, Wire

_ABSENT_CODES = {"NoSuchKey", "404"}
_LOST_CODES = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_NOT_MODIFIED = 304
_CHUNK = 1 << 20
T = TypeVar("T")


class S3:
    """`s3://bucket/prefix`; credentials come from boto3's own chain."""

    keeps_headers = True
    deletes_at_once = 1000
    keeps_conditions: bool | None = None
    epoch = ""

    def __init__(self, url: str, settings: PublishConfig) -> None:
        address = urlsplit(url)
        if not address.netloc or address.query or address.fragment:
            raise UsageError(f"{url!r} is no s3://bucket/prefix")
        self.name = url
        self.requests: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self._bucket = address.netloc
        prefix = address.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._settings = settings
        self._counting = threading.Lock()
        self._tags_are_md5: bool | None = None
        with self._told(""):
            self._server, self._base = account.find_address(self._bucket, settings, os.environ)
            keys = account.find_keys(os.environ)
        self._wire = Wire(self._server, settings.region, keys, self._count)

    def get(self, path: str, *, unless: Tag = "") -> Found | None:
        """The object's bytes as stored; a packed one is still packed."""
        answer = self._ask_for(path, {"if-none-match": unless} if unless else {})
        if answer is None:
            return None
        if answer.status == _NOT_MODIFIED:
            return Found(b"", unless, unchanged=True)
        return Found(answer.content, answer.headers.get("etag", ""))

    def fetch(self, path: str, into: BinaryIO) -> bool:
        """The object's bytes as stored, without holding them in memory."""
        try:
            return self._ask_for(path, {}, into) is not None
        except UnwritableError as unwritable:
            raise unwritable.error from None

    def put(
        self, path: str, source: Source, headers: Headers, *, only_if: Tag | None = None
    ) -> Tag:
        """One PUT, or parts of a large file; readers see the old object or the new one.

        A file in parts can't have a condition.
        """
        sent = {"content-type": headers.content_type, "cache-control": headers.cache_control}
        if headers.content_encoding:
            sent["content-encoding"] = headers.content_encoding
        if only_if is not None:
            sent |= {"if-none-match": "*"} if only_if == ABSENT else {"if-match": only_if}
        with self._told(path):
            if not isinstance(source, bytes) and size_of(source) > parts.LARGE_BYTES:
                return parts.put_in_parts(
                    self._client, self._bucket, self._key(path), source, headers
                )
            for _ in range(wire.ATTEMPTS):
                answer = self._put_once(path, source, sent, only_if)
                if self._has_arrived(path, source, answer):
                    return answer.headers["etag"]
        raise DestinationError(
            f"{self.name}: {path} does not arrive as it is sent",
            "something between here and the server changes requests: look at proxies, then"
            " publish again",
        )

    def requests_of_put(self, size: int) -> Mapping[str, int]:
        """One, or those of a large file's parts."""
        return parts.requests_of(size) if size > parts.LARGE_BYTES else {"PUT": 1}

    def rest_of_put(self, path: str, source: Source) -> tuple[Mapping[str, int], int]:
        """Without the parts of a large file that the server has from a publish that died."""
        size = size_of(source)
        if isinstance(source, bytes) or size <= parts.LARGE_BYTES:
            return {"PUT": 1}, size
        with self._told(path):
            return parts.rest_of(self._client, self._bucket, self._key(path), source)

    def try_parts(self, path: str) -> None:
        """Whether a large file may come in parts; nothing is left of it."""
        with self._told(path):
            headers = Headers("text/plain; charset=utf-8", "no-cache")
            parts.try_parts(self._client, self._bucket, self._key(path), headers)

    def tag_of(self, source: Source) -> Tag:
        """The MD5 of the content, in quotes."""
        return f'"{_md5(source)}"'

    def flush(self) -> None:
        """A server answers a PUT when the object is safe."""

    def delete(self, paths: Sequence[str]) -> None:
        """Up to a thousand objects a request."""
        for start in range(0, len(paths), self.deletes_at_once):
            batch = paths[start : start + self.deletes_at_once]
            body = s3xml.delete_body(map(self._key, batch))
            digest = hashlib.md5(body, usedforsecurity=False).digest()
            headers = {"content-md5": b64encode(digest).decode()}
            with self._told(batch[0]):
                answer = self._wire.ask("POST", f"{self._base or '/'}?delete=", headers, body)
                refused = s3xml.read_not_deleted(answer.content)
            for key, why in refused[:1]:
                raise DestinationError(
                    f"{self.name}: {key} can't be deleted: {why}", "allow s3:DeleteObject there"
                )

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Everything below the prefix; the order differs between servers."""
        token, more = "", True
        while more:
            query = s3xml.listing_query(self._prefix + prefix, token)
            with self._told(prefix):
                answer = self._wire.ask("GET", f"{self._base or '/'}?{query}", {})
                found = s3xml.read_listing(answer.content)
            for each in found.objects:
                yield replace(each, path=each.path.removeprefix(self._prefix))
            more = bool(found.next_token) and found.next_token != token
            token = found.next_token

    def address_of(self, path: str) -> str:
        """The object's address at the server."""
        server = self._server
        return f"{server.scheme}://{server.netloc}{self._path(path)}"

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()
        if "_client" in self.__dict__:
            self._client.close()

    def administer(self, work: Callable[[Any], T]) -> T:
        """Let `work` talk to the server through boto3's client, and close it.

        Raises:
            DestinationError: it refused.
        """
        try:
            with self._told(""):
                return work(self._client)
        finally:
            self.close()

    def _key(self, path: str) -> str:
        return self._prefix + path

    def _path(self, path: str) -> str:
        return f"{self._base}/{quoted(self._key(path))}"

    def _ask_for(
        self, path: str, condition: Mapping[str, str], into: BinaryIO | None = None
    ) -> Answer | None:
        with self._told(path):
            try:
                return self._wire.ask("GET", self._path(path), condition, into=into)
            except RefusedError as error:
                if error.code in _ABSENT_CODES:
                    return None
                raise

    def _put_once(
        self, path: str, source: Source, sent: dict[str, str], only_if: Tag | None
    ) -> Answer:
        try:
            return self._wire.ask("PUT", self._path(path), sent, source)
        except RefusedError as error:
            # A server may say of If-Match on an object that went away: there is no such key.
            lost = _LOST_CODES if only_if in {None, ABSENT} else _LOST_CODES | _ABSENT_CODES
            if only_if is not None and error.code in lost:
                raise PreconditionFailed(path) from error
            raise

    def _has_arrived(self, path: str, source: Source, answer: Answer) -> bool:
        """Whether the object's tag tells that the server has what was sent.

        A proxy that cuts a body and answers in the server's place is found by that. A tag is the
        MD5 of the content on most servers; of one that gives another, the object is read once.
        """
        tag = answer.headers.get("etag", "")
        content = _md5(source)
        if tag.strip('"') == content:
            self._tags_are_md5 = True
            return True
        if tag and self._tags_are_md5 is None:
            there = self.get(path)
            if there is not None and there.tag == tag and _md5(there.content) == content:
                self._tags_are_md5 = False
        return bool(tag) and self._tags_are_md5 is False

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config as ClientConfig

        settings = self._settings
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=settings.endpoint_url or None,
            region_name=settings.region,
            config=ClientConfig(
                s3={"addressing_style": "path" if settings.endpoint_url else "auto"},
                retries={"total_max_attempts": wire.ATTEMPTS, "mode": "standard"},
                connect_timeout=wire.CONNECT_SECONDS,
                read_timeout=wire.ANSWER_SECONDS,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        client.meta.events.register("before-send.s3", self._count_sent)
        return client

    def _count_sent(self, request: Any, **_: object) -> None:
        # What boto3 asks for with GET are lists: of parts, of uploads.
        method = "LIST" if request.method == "GET" else str(request.method)
        self._count(method, "", _length(request.body) if method == "PUT" else 0)

    def _count(self, method: str, path: str, size: int) -> None:
        query = path.partition("?")[2]
        kind = {"delete=": "DELETE", "": method}.get(query, "LIST")
        with self._counting:
            self.requests[kind] += 1
            self.sent[kind] += size if kind == "PUT" else 0

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except (RefusedError, OSError, HTTPException, ssl.SSLError, ValueError) as error:
            raise self._explained(error, path) from error
        except Exception as error:
            # botocore is not imported for the sake of its exceptions' names.
            if not type(error).__module__.startswith("botocore."):
                raise
            raise self._explained(error, path) from error

    def _explained(self, error: Exception, path: str) -> DestinationError:
        where = f"{self.name}: {path}" if path else self.name
        return explain(error, where, self._bucket, self._settings.endpoint_url)


def _length(body: Any) -> int:
    """Of what boto3 sends: it wraps the bytes that it was given."""
    return len(body) if isinstance(body, bytes | bytearray) else size_of(body)


def _md5(source: Source) -> str:
    whole = hashlib.md5(usedforsecurity=False)
    if isinstance(source, bytes):
        whole.update(source)
    else:
        source.seek(0)
        while chunk := source.read(_CHUNK):
            whole.update(chunk)
    return whole.hexdigest()
