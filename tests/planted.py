"""Secrets that nobody ever used, one or more for each built-in rule, and where they hide."""

import gzip
import zlib
from pathlib import Path

A1 = "aB3" * 40
HEX = "0123456789abcdef" * 4
BEGIN, END = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"
KEY_LINES = tuple(f"MIIEow{mark * 58}" for mark in "IKQ")

# (rule, line as a tool prints it, what of it may never be seen). Cut in two: no scanner takes this
# file for a leak.
PLANTED: tuple[tuple[str, str, str], ...] = (
    ("aws-access-key-id", "id {} used", "AKIA" + "Q7IOSFODNN7PLANT"),
    (
        "aws-secret-key",
        "aws_secret_access_key = {}",
        "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYPLANTEDKEY",
    ),
    ("aws-session-token", "AWS_SESSION_TOKEN={}", "FwoGZXIv" + "YXdzEPLANTED//"),
    ("azure-key", "AccountName=x;AccountKey={};Suffix=y", A1[:86] + "=="),
    ("azure-key", "https://x.blob.core.windows.net/c/f?sv=1&sig={}", "pL4nt%2Bed" + A1[:40]),
    ("cloud-token", "doctl -t {}", "dop" + "_v1_" + HEX),
    ("cloud-token", "key {} ok", "LTAI" + "5tPLANTEDabcdefgh12"),
    ("github-token", "clone with {}.", "ghp" + "_" + A1[:36]),
    ("github-token", "{}", "github" + "_pat_" + "a1_" * 10),
    ("gitlab-token", "x {}", "glpat" + "-" + A1[:20]),
    ("gitlab-token", "gitlab-runner register -r {}", "GR1348941" + A1[:20]),
    ("atlassian-token", "git push with {}", "ATBB" + A1[:32]),
    ("atlassian-token", "jira {}", "ATATT3" + A1[:60]),
    ("slack-token", "{}", "xoxb" + "-1234567890-plantedabc"),
    ("slack-webhook", "POST https://hooks.slack.com/services/{}", "T0000/B0000/" + A1[:24]),
    ("chat-webhook", "https://discord.com/api/webhooks/{}", "123456789012/" + A1[:68]),
    ("chat-webhook", "https://x.webhook.office.com/webhookb2/{}", "ab12@" + HEX[:40] + "/In"),
    ("chat-webhook", "curl https://chat.example/hooks/{}", "xk7yj3planted5wq8n2m4b6c9z"),
    ("chat-token", "bot {}", "MTA0" + "ODc2NTQzMjEwOTg3.Gh4Zk9." + "pL4nted_" + A1[:30]),
    ("chat-token", "https://api.telegram.org/bot123456789:{}/getMe", "AA" + "pL4nt-" + A1[:27]),
    ("service-token", "stripe {}", "sk" + "_live_" + A1[:24]),
    ("service-token", "{}", "SG" + "." + A1[:22] + "." + A1[:43]),
    ("service-token", "HF {}", "hf" + "_" + A1[:34]),
    ("service-token", "using {}", "sk" + "-proj-" + A1[:40]),
    ("service-token", "docker login -p {}", "dckr" + "_pat_" + A1[:27]),
    ("service-token", "vault {}", "hvs" + "." + A1[:30]),
    ("service-token", "terraform abcdefghij1234.atlasv1.{}", "pL4nted" + A1[:60]),
    ("service-token", "{}", "AGE-SECRET-" + "KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2),
    ("npm-token", "{}", "npm" + "_" + A1[:36]),
    ("npm-token", "//npm.org/:_authToken={}", "planted" + "efgh12"),
    ("pypi-token", "{}", "pypi" + "-AgEIcHlwaS5vcmc" + A1[:60]),
    ("google-key", "{}", "AIza" + A1[:35]),
    ("jwt", "got {}", "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.pLantedP4J3jVmNHl0w5N"),
    ("authorization", "Authorization: Bearer {}", "planted.def"),
    ("authorization", "-H 'Proxy-Authorization: Basic {}'", "cGxhbnRlZDp" + "wYXNz"),
    ("url-password", "git clone https://me:{}@host/x", "hunter2planted"),
    ("url-token", "git clone https://{}@host/x", "0123planted" + A1[:20]),
    ("url-token", "GET /x?a=1&token={}&b=2", "planted-" + A1[:20]),
    ("password", "password={}", "hunter2-planted-1"),
    ("password", '{{"api_key": "{}"}}', "two planted words 1"),
    ("password", "docker login --password {}", "hunter2-planted-2"),
    ("password", "curl -s -u admin:{} https://x", "hunter2-planted-3"),
    ("password", "machine x login me password {}", "hunter2-planted-4"),
    ("password", "DB_PASS: {}", "hunter2-planted-5"),
)
SECRETS = (*(secret for _, _, secret in PLANTED), *KEY_LINES)


def planted_text() -> str:
    """A log with each of them on a line of its own, and a private key on five."""
    lines = [line.format(secret) for _, line, secret in PLANTED]
    return "\n".join([*lines, BEGIN, *KEY_LINES, END, "the end", ""])


def all_bytes(root: Path) -> dict[str, bytes]:
    """Path → content of every file below, packed ones unpacked, with escapes of JSON undone too."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if content.startswith(b"\x1f\x8b"):
                content += gzip.decompress(content)
            elif content.startswith(b"\x78\x9c"):
                content += zlib.decompress(content)
            found[path.relative_to(root).as_posix()] = content + path.name.encode()
    return found


def holding(root: Path, *secrets: str) -> list[tuple[str, str]]:
    """(path, secret) wherever one of them stands, as it is or escaped for JSON or HTML."""
    forms = {
        secret: {
            secret.encode(),
            secret.replace("/", "\\/").encode(),
            secret.replace("+", "&#43;").replace("=", "&#61;").encode(),
        }
        for secret in secrets
    }
    return [
        (path, secret)
        for path, content in sorted(all_bytes(root).items())
        for secret, written in forms.items()
        if any(one in content for one in written)
    ]
