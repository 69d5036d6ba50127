"""Who publishes and where to, told without boto3 where that is the same answer."""

from pathlib import Path

import boto3
import botocore.credentials
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.config import PublishConfig
from mtsite.publish.account import find_address, find_keys
from mtsite.publish.sigv4 import Keys


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path


def both(environ: dict[str, str]) -> tuple[Keys, Keys]:
    """What is found here, and what boto3 finds."""
    credentials = boto3.session.Session().get_credentials()
    assert credentials is not None
    theirs = credentials.get_frozen_credentials()
    keys = Keys(theirs.access_key or "", theirs.secret_key or "", theirs.token or "")
    return find_keys(environ)(), keys


def environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        "AWS_CONFIG_FILE": str(home / "config"),
    }


def test_keys_of_the_environment_win(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "credentials").write_text("[default]\naws_access_key_id=f\naws_secret_access_key=g\n")
    own = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "t"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    ours, theirs = both(environment(home) | own)
    assert ours == theirs == Keys("a", "b", "t")


def test_keys_of_the_credentials_file_are_boto3s(home: Path) -> None:
    text = "[other]\naws_access_key_id = x\n[default]\naws_access_key_id = f%\n"
    (home / "credentials").write_text(text + "aws_secret_access_key = g=h\n")
    ours, theirs = both(environment(home))
    assert ours == theirs == Keys("f%", "g=h")


def test_another_profile_is_asked_of_boto3(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[default]\naws_access_key_id=f\naws_secret_access_key=g\n"
    (home / "credentials").write_text(text + text.replace("default", "night").replace("=", "=n"))
    monkeypatch.setenv("AWS_PROFILE", "night")
    ours, theirs = both(environment(home) | {"AWS_PROFILE": "night"})
    assert ours == theirs == Keys("nf", "ng")


def test_the_older_name_of_the_session_token_is_known(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SECURITY_TOKEN": "t"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    ours, theirs = both(environment(home) | own)
    assert ours == theirs == Keys("a", "b", "t")


@pytest.mark.parametrize(
    ("more", "credentials"),
    [
        ({"AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/t"}, ""),
        ({}, "role_arn = arn:aws:iam::1:role/r\nsource_profile = other\n"),
    ],
    ids=["of a pod", "in the credentials file"],
)
def test_a_role_comes_before_keys_in_the_credentials_file(
    home: Path, more: dict[str, str], credentials: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"[default]\naws_access_key_id=f\naws_secret_access_key=g\n{credentials}"
    (home / "credentials").write_text(text)
    asked = [Keys("of", "the role")]
    found = type("Found", (), {"get_frozen_credentials": lambda _: Frozen(*asked[0])})
    monkeypatch.setattr(boto3.session.Session, "get_credentials", lambda _: found())
    assert find_keys(environment(home) | more)() == asked[0]


class Frozen:
    """What botocore gives for keys that it renews."""

    def __init__(self, access: str, secret: str, token: str) -> None:
        self.access_key, self.secret_key, self.token = access, secret, token


def test_keys_that_expire_are_asked_for_at_each_request(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that gives keys for an hour is run again before they expire."""
    program = home / "keys"
    program.write_text(
        "#!/bin/sh\n"
        f"echo x >> {home}/runs\n"
        f'echo \'{{"Version": 1, "AccessKeyId": "k\'$(wc -l < {home}/runs)\'",\''
        ' \'"SecretAccessKey": "s", "SessionToken": "t", "Expiration":\''
        " '\"'$(date -u -d \"+1 second\" +%Y-%m-%dT%H:%M:%SZ)'\"}'\n"
    )
    program.chmod(0o755)
    (home / "config").write_text(f"[default]\ncredential_process = {program}\n")
    keys = find_keys(environment(home))
    monkeypatch.setattr(
        botocore.credentials.RefreshableCredentials, "_mandatory_refresh_timeout", 2 * 3600
    )
    first = keys()
    assert first.token == "t"
    assert keys().access != first.access


def test_a_role_is_asked_of_boto3(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "credentials").write_text("[default]\naws_access_key_id=f\naws_secret_access_key=g\n")
    (home / "config").write_text(
        "[default]\ncredential_process = "
        'echo \'{"Version": 1, "AccessKeyId": "p", "SecretAccessKey": "q"}\'\n'
    )
    ours, theirs = both(environment(home))
    assert ours == theirs


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"])
def test_amazons_address_is_boto3s_or_the_regional_one(region: str, home: Path) -> None:
    server, base = find_address("site", PublishConfig(region=region), environment(home))
    client = boto3.client(
        "s3", region_name=region, aws_access_key_id="a", aws_secret_access_key="b"
    )
    theirs = client.meta.endpoint_url.replace("://s3.amazonaws", "://s3.us-east-1.amazonaws")
    client.close()
    assert (f"{server.scheme}://{server.netloc}", base) == (
        theirs.replace("://", "://site."),
        "",
    )


def test_a_bucket_with_dots_is_part_of_the_path(home: Path) -> None:
    server, base = find_address("a.b", PublishConfig(), environment(home))
    assert (server.netloc, base) == ("s3.us-east-1.amazonaws.com", "/a.b")


@given(st.from_regex(r"[a-z0-9.-]{3,20}", fullmatch=True))
def test_a_named_server_is_asked_by_paths(bucket: str) -> None:
    settings = PublishConfig(endpoint_url="http://127.0.0.1:8333/s3/")
    server, base = find_address(bucket, settings, {})
    assert (server.netloc, base) == ("127.0.0.1:8333", f"/s3/{bucket}")
