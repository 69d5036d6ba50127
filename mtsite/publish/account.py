"""Who publishes, and where a bucket answers: boto3's own chain, asked only where it is needed.

boto3 takes half a second to load, longer than all that a publish of nothing new has to do. What
can be told without it is told here: keys in the environment or in the shared credentials file, and
addresses of servers that are named or of Amazon's common regions. All else is left to boto3.
"""

import configparser
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from mtsite.config import PublishConfig
from mtsite.publish.sigv4 import Keys

_COMMON_REGION = re.compile(r"(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-[0-9]")
_HOST_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_OTHER_ADDRESS = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
)
_OTHER_KEYS = ("role_arn", "sso_", "credential_process", "web_identity", "credential_source")
_ROLE_OF_A_POD = ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def find_keys(environ: Mapping[str, str]) -> Callable[[], Keys]:
    """What gives the keys for the next request; keys that expire are renewed by boto3.

    Raises:
        botocore's errors: no credentials, or they can't be had.
    """
    if plain := _plain_keys(environ):
        return lambda: plain
    import boto3
    from botocore.exceptions import NoCredentialsError

    found = boto3.session.Session().get_credentials()
    if found is None:
        raise NoCredentialsError

    def renewed() -> Keys:
        frozen = found.get_frozen_credentials()
        return Keys(frozen.access_key or "", frozen.secret_key or "", frozen.token or "")

    return renewed


def find_address(
    bucket: str, settings: PublishConfig, environ: Mapping[str, str]
) -> tuple[SplitResult, str]:
    """The server of a bucket, and the path before each key: '' or '/bucket', as `settings` say."""
    if settings.endpoint_url:
        server = urlsplit(settings.endpoint_url)
        return server, f"{server.path.rstrip('/')}/{bucket}"
    server = urlsplit(_plain_endpoint(settings.region, environ) or _asked_endpoint(settings))
    if _HOST_LABEL.fullmatch(bucket):
        return server._replace(netloc=f"{bucket}.{server.netloc}"), ""
    return server, f"/{bucket}"


def _plain_keys(environ: Mapping[str, str]) -> Keys | None:
    """Keys that stand in the environment, or by themselves in the shared credentials file."""
    if environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE"):
        return None
    access, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if access and secret:
        older = environ.get("AWS_SECURITY_TOKEN", "")
        return Keys(access, secret, older or environ.get("AWS_SESSION_TOKEN", ""))
    if access or secret or any(environ.get(name) for name in _ROLE_OF_A_POD):
        return None
    own = _text(environ, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
    if any(word in text for word in _OTHER_KEYS for text in (own, _config_text(environ))):
        return None
    parser = configparser.RawConfigParser(default_section="")
    try:
        parser.read_string(own)
        profile = parser["default"]
        return Keys(
            profile["aws_access_key_id"],
            profile["aws_secret_access_key"],
            profile.get("aws_security_token", "") or profile.get("aws_session_token", ""),
        )
    except (configparser.Error, KeyError):
        return None


def _plain_endpoint(region: str, environ: Mapping[str, str]) -> str:
    told = any(environ.get(name) for name in _OTHER_ADDRESS)
    text = _config_text(environ)
    if told or "endpoint" in text or not _COMMON_REGION.fullmatch(region):
        return ""
    return f"https://s3.{region}.amazonaws.com"


def _asked_endpoint(settings: PublishConfig) -> str:
    import boto3

    client = boto3.session.Session().client("s3", region_name=settings.region)
    try:
        return str(client.meta.endpoint_url)
    finally:
        client.close()


def _config_text(environ: Mapping[str, str]) -> str:
    return _text(environ, "AWS_CONFIG_FILE", "config")


def _text(environ: Mapping[str, str], variable: str, name: str) -> str:
    home = environ.get("HOME", "")
    path = Path(environ.get(variable) or f"{home}/.aws/{name}")
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
