"""What a bucket should be told: who may read, ranges from other pages, unfinished parts.

Documents are plain data; `apply_setup` gives them to a server, never over others that stand there.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from mtsite.errors import DestinationError

PARTS_DAYS = 7
OWN_ID = "mtsite"


class Setup(Struct, frozen=True):
    """The documents of one destination, in the form of S3's own calls.

    `publisher` is an identity's policy: the rights that publishing needs. `policy` is the bucket's,
    None for a private one.
    """

    bucket: str
    publisher: Mapping[str, Any]
    policy: Mapping[str, Any] | None
    cors: Mapping[str, Any]
    lifecycle: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The document that --json prints, schema mtsite/destination-setup/1."""
        return {
            "bucket": self.bucket,
            "publisher_policy": self.publisher,
            "bucket_policy": self.policy,
            "cors": self.cors,
            "lifecycle": self.lifecycle,
        }


def plan_setup(url: str, *, public_read: bool) -> Setup:
    """The documents for `s3://bucket/prefix`; `public_read` lets anyone read below the prefix.

    Raises:
        DestinationError: it is no bucket.
    """
    address = urlsplit(url)
    if address.scheme != "s3" or not address.netloc:
        raise DestinationError(
            f"{url} is no bucket: there is nothing to set up" if url else "no destination is set",
            "a directory needs a web server (docs/hosting.md); a bucket is named by"
            ' [publish] destination = "s3://bucket/prefix"',
        )
    bucket = address.netloc
    prefix = address.path.strip("/")
    below = f"{prefix}/" if prefix else ""
    objects = f"arn:aws:s3:::{bucket}/{below}*"
    return Setup(
        bucket,
        publisher=_publisher(bucket, below, objects),
        policy=_public(objects) if public_read else None,
        cors=_cors(),
        lifecycle={
            "Rules": [
                {
                    "ID": f"{OWN_ID}-parts",
                    "Status": "Enabled",
                    "Filter": {"Prefix": below},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": PARTS_DAYS},
                }
            ]
        },
    )


def apply_setup(client: Any, setup: Setup) -> list[tuple[str, str]]:
    """Give the documents to the server: (what, done or why not), for each.

    A policy, CORS rules or a lifecycle that stand there already and are others stay: they are
    somebody's, and the line says what to add by hand. `client` is boto3's.
    """
    done = []
    if setup.policy is not None:
        done.append(("bucket policy", _give_policy(client, setup)))
    for what, document in (("cors", setup.cors), ("lifecycle", setup.lifecycle)):
        done.append((what, _give(client, setup.bucket, what, document)))
    return done


def _publisher(bucket: str, below: str, objects: str) -> dict[str, Any]:
    actions = ["GetObject", "PutObject", "DeleteObject"]
    actions += ["AbortMultipartUpload", "ListMultipartUploadParts"]
    listing: dict[str, Any] = {
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
        "Resource": f"arn:aws:s3:::{bucket}",
    }
    if below:
        listing["Condition"] = {"StringLike": {"s3:prefix": [f"{below}*"]}}
    writing = {"Effect": "Allow", "Action": [f"s3:{a}" for a in actions], "Resource": objects}
    return {"Version": "2012-10-17", "Statement": [writing, listing]}


def _cors() -> dict[str, Any]:
    rule = {
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedOrigins": ["*"],
        "AllowedHeaders": ["Range", "If-None-Match"],
        "ExposeHeaders": ["Content-Range", "Content-Length", "ETag", "Accept-Ranges"],
        "MaxAgeSeconds": 86400,
    }
    return {"CORSRules": [rule]}


def _public(objects: str) -> dict[str, Any]:
    statement = {
        "Sid": OWN_ID,
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [objects],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _give_policy(client: Any, setup: Setup) -> str:
    try:
        there = json.loads(client.get_bucket_policy(Bucket=setup.bucket)["Policy"])
    except client.exceptions.ClientError:
        there = None
    if setup.policy is not None and _statements(there) == _statements(setup.policy):
        return "stands already"
    if there is not None:
        return "another policy stands there; add the statement by hand"
    client.put_bucket_policy(Bucket=setup.bucket, Policy=json.dumps(setup.policy))
    return "applied"


def _statements(policy: Mapping[str, Any] | None) -> list[list[Any]]:
    """What a policy says, however a server writes it: '*' or {"AWS": "*"}, one or a list of one."""
    found = (policy or {}).get("Statement") or []
    return [
        [
            each.get("Effect"),
            *(_listed(each.get(part)) for part in ("Principal", "Action", "Resource")),
        ]
        for each in (found if isinstance(found, list) else [found])
    ]


def _listed(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        value = value.get("AWS")
    return sorted(value) if isinstance(value, list) else [value]


def _give(client: Any, bucket: str, what: str, document: Mapping[str, Any]) -> str:
    read, write, argument = {
        "cors": ("get_bucket_cors", "put_bucket_cors", "CORSConfiguration"),
        "lifecycle": (
            "get_bucket_lifecycle_configuration",
            "put_bucket_lifecycle_configuration",
            "LifecycleConfiguration",
        ),
    }[what]
    try:
        answer = getattr(client, read)(Bucket=bucket)
    except client.exceptions.ClientError:
        answer = {}
    there = {name: answer[name] for name in document if answer.get(name)}
    if there == document:
        return "stands already"
    if there:
        return f"another {what} configuration stands there; add the rule by hand"
    try:
        getattr(client, write)(Bucket=bucket, **{argument: document})
    except client.exceptions.ClientError as error:
        return f"refused: {error}"
    return "applied"
