"""Signing of S3 requests: AWS Signature Version 4 with a signed payload.

The rule is Amazon's ("Authenticating Requests: Using the Authorization Header"); the tests compare
each signature with the one that botocore makes of the same request.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = hashlib.sha256(b"").hexdigest()
"""The digest of no payload."""


class Keys(NamedTuple):
    """What a request is signed with; `token` is '' for keys that don't expire."""

    access: str
    secret: str
    token: str = ""


def quoted(path: str) -> str:
    """An object's key as the path of its address; the signature covers it in this form."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/-_.~")


class Signer:
    """Signs the requests of one region; a signing key is made once a day and set of keys."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._made: tuple[str, Keys, bytes] = ("", Keys("", ""), b"")

    def sign(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        payload: str,
        keys: Keys,
        now: datetime,
    ) -> dict[str, str]:
        """All headers to send: those given, and date, digest, token and signature.

        `path` is quoted, and may have a query, its parameters in order; `headers` have lower-case
        names with `host` among them, `payload` is the SHA-256 of the body in hex, `now` is aware of
        its time zone.
        """
        stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {**headers, "x-amz-content-sha256": payload, "x-amz-date": stamp}
        if keys.token:
            signed["x-amz-security-token"] = keys.token
        names = sorted(signed)
        lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in names)
        listed = ";".join(names)
        place, _, query = path.partition("?")
        request = f"{method}\n{place}\n{query}\n{lines}\n{listed}\n{payload}"
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
        signature = hmac.new(self._signing_key(stamp[:8], keys), text.encode(), hashlib.sha256)
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={keys.access}/{scope}, SignedHeaders={listed},"
            f" Signature={signature.hexdigest()}"
        )
        return signed

    def _signing_key(self, day: str, keys: Keys) -> bytes:
        # One read, one write: another thread may be a day further, or have newer keys.
        *made_for, key = self._made
        if made_for != [day, keys]:
            key = b"AWS4" + keys.secret.encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self._made = (day, keys, key)
        return key
