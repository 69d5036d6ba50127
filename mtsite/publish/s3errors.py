"""What an S3 server's refusal means, and what to do about it: one message each.

Told by the error's code and name alone, so this file needs no S3 library.
"""

from mtsite.errors import DestinationError

_CREDENTIALS = (
    "run `aws configure`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
_RIGHTS = (
    "publishing needs s3:GetObject, s3:PutObject and s3:DeleteObject on the prefix, and"
    " s3:ListBucket on the bucket (without it a missing object looks forbidden);"
    " `mtsite destination setup` prints all rights, `mtsite doctor` tries them"
)
_ENDPOINT = "look at [publish] endpoint_url: address, port, http or https"

BY_CODE = {
    "NoSuchBucket": ("there is no bucket {bucket!r}", "make it, or correct [publish] destination"),
    "AccessDenied": ("access denied", _RIGHTS),
    "403": ("access denied", _RIGHTS),
    "AllAccessDisabled": ("access denied", _RIGHTS),
    "InvalidAccessKeyId": ("the server does not know this access key", _CREDENTIALS),
    "SignatureDoesNotMatch": (
        "the server refuses the signature: the secret key is wrong, or a proxy changes requests",
        f"{_CREDENTIALS}; where a proxy stands between, let it keep all headers, Host too",
    ),
    "ExpiredToken": ("the session token has expired", "log in again, then publish again"),
    "ExpiredTokenException": ("the session token has expired", "log in again, then publish again"),
    "InvalidToken": ("the session token is not valid", "log in again, then publish again"),
    "RequestTimeTooSkewed": (
        "this host's clock differs too much from the server's",
        "set the clock (`timedatectl` tells whether it is synchronised)",
    ),
    "PermanentRedirect": (
        "the bucket {bucket!r} is in another region",
        "set [publish] region, or correct endpoint_url",
    ),
    "AuthorizationHeaderMalformed": (
        "the request was signed for another region than that of bucket {bucket!r}",
        "set [publish] region",
    ),
    "IllegalLocationConstraintException": (
        "the bucket {bucket!r} is in another region",
        "set [publish] region",
    ),
    **dict.fromkeys(
        ("301", "302", "307", "308"),
        (
            "{endpoint} sends to another address",
            "set [publish] endpoint_url to the server itself (http or https?), or region",
        ),
    ),
    "413": (
        "something before the server refuses large requests",
        "raise its limit to 64 MB at least (nginx: client_max_body_size)",
    ),
    "SlowDown": ("the server asks for fewer requests", "publish later, or lower [publish] threads"),
    "503": ("the server is overloaded or down", "publish again later"),
    "500": ("the server failed", "publish again later, or look at its log"),
    "507": ("the server has no space left", "free some space there, then publish again"),
    "QuotaExceeded": ("the quota of the bucket is used up", "raise it, or remove old objects"),
    "XMinioStorageFull": ("the server has no space left", "free some space there"),
    "NotImplemented": (
        "the server does not know a conditional PUT",
        "publish to a server that knows If-Match and If-None-Match",
    ),
}
BY_NAME = {
    "NoCredentialsError": ("no credentials found", _CREDENTIALS),
    "PartialCredentialsError": ("credentials are incomplete", _CREDENTIALS),
    "ProfileNotFound": ("{error}", "correct AWS_PROFILE"),
    "UnauthorizedSSOTokenError": ("the login has expired", "run `aws sso login`"),
    "TokenRetrievalError": ("the login has expired", "run `aws sso login`"),
    "ConnectionRefusedError": ("no server answers at {endpoint}", _ENDPOINT),
    "gaierror": ("there is no host of the name in {endpoint}", _ENDPOINT),
    "TimeoutError": ("the server at {endpoint} does not answer", "publish again later"),
    "ConnectionResetError": ("the server at {endpoint} closed the connection", _ENDPOINT),
    "BrokenPipeError": ("the server at {endpoint} closed the connection", _ENDPOINT),
    "RemoteDisconnected": ("the server at {endpoint} closed the connection", _ENDPOINT),
    "BadStatusLine": ("what answers at {endpoint} is no web server: {error}", _ENDPOINT),
    "IncompleteRead": ("an answer broke off", "publish again"),
    "EndpointConnectionError": ("no server answers at {endpoint}", _ENDPOINT),
    "ConnectTimeoutError": ("no server answers at {endpoint} within 10 s", _ENDPOINT),
    "ReadTimeoutError": ("the server at {endpoint} stopped answering", "publish again later"),
    "ConnectionClosedError": ("the server at {endpoint} closed the connection", _ENDPOINT),
    "ProxyConnectionError": ("the proxy can't be reached", "look at HTTP_PROXY and HTTPS_PROXY"),
    "SSLCertVerificationError": (
        "the certificate of {endpoint} is not trusted: {error}",
        "for an own certificate authority set AWS_CA_BUNDLE; look at the host's clock",
    ),
    "SSLError": (
        "no trusted TLS connection to {endpoint}: {error}",
        "http or https? For an own certificate authority set AWS_CA_BUNDLE",
    ),
    "ResponseStreamingError": ("an answer broke off", "publish again"),
    "IncompleteReadError": ("an answer broke off", "publish again"),
    "ValueError": (
        "what answers at {endpoint} is no S3 server: {error}",
        "look at [publish] endpoint_url, and at proxies in between",
    ),
    "ParamValidationError": ("{error}", "correct [publish] destination"),
}


def explain(error: Exception, where: str, bucket: str, endpoint: str) -> DestinationError:
    """A refusal as one message for a person; `where` names destination and path."""
    answer = getattr(error, "response", {})
    told = answer.get("Error", {}) if isinstance(answer, dict) else {}
    status = str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", "")) if told else ""
    code = str(told.get("Code", ""))
    reason, hint = (
        BY_CODE.get(code)
        or BY_NAME.get(type(error).__name__)
        or BY_CODE.get(
            status, ("{error}", "if this makes no sense, `mtsite doctor` tries each right in turn")
        )
    )
    text = reason.format(bucket=bucket, endpoint=endpoint or "Amazon S3", error=_plain(str(error)))
    return DestinationError(f"{where}: {text}", hint)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:300])
