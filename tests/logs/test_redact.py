import gzip
import io
import pickle
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsite.logs.masking import Masking
from mtsite.logs.redact import make_redactor
from mtsite.logs.source import split_lines

DATA = Path(__file__).parents[1] / "data"
DEFAULT = make_redactor(["default"])
MASK = re.compile(r"▮▮▮\[([a-z0-9-]+)\]▮▮▮")

# Made up, and cut in two so that no scanner takes this file for a leak.
GITHUB = "ghp" + "_" + "aB3" * 12
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"
AWS_ID = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_KEY = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
BEGIN, END = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"


def redacted(text: str) -> str:
    return DEFAULT.redact(text.encode())[0].decode()


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        (f"id {AWS_ID} used", "id [aws-access-key-id] used"),
        (f"aws_secret_access_key = {AWS_KEY}", "aws_secret_access_key = [aws-secret-key]"),
        (f'"SecretAccessKey": "{AWS_KEY}",', '"SecretAccessKey": "[aws-secret-key]",'),
        (f"clone with {GITHUB}.", "clone with [github-token]."),
        ("github" + "_pat_" + "a1_" * 10, "[github-token]"),
        ("x glpat-" + "aB3-" * 6, "x [gitlab-token]"),
        ("xoxb" + "-1234567890-abcdef", "[slack-token]"),
        ("npm" + "_" + "a" * 36, "[npm-token]"),
        ("//npm.org/:_authToken=abcd" + "efgh12", "//npm.org/:_authToken=[npm-token]"),
        ("pypi" + "-AgEIcHlwaS5vcmc" + "C" * 60, "[pypi-token]"),
        ("AIza" + "b" * 35, "[google-key]"),
        (f"got {JWT}", "got [jwt]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [authorization]"),
        ("-H 'Authorization: Basic dXNlcjpwYXNz'", "-H 'Authorization: Basic [authorization]'"),
        ("X-Auth-Token: 0123456789abcdef", "X-Auth-Token: [password]"),
        ("password=hunter2", "password=[password]"),
        ("DB_PASSWORD: hunter2", "DB_PASSWORD: [password]"),
        ('{"password": "two words", "user": "me"}', '{"password": "[password]", "user": "me"}'),
        ("{'api_key': u'abc def'}", "{'api_key': u'[password]'}"),
        (r'{"password": "two\"words", "user": "me"}', '{"password": "[password]", "user": "me"}'),
        (r"{'api_key': 'abc\'def', 'user'}", "{'api_key': '[password]', 'user'}"),
        (r'"{\"password\": \"two\\\"words\"}"', r'"{\"password\": \"[password]"}"'),
        ("passwd := 's3'", "passwd := '[password]'"),
        ('secret="not closed', 'secret="[password]'),
        ("mysql -u me --password=x1 -e 'drop'", "mysql -u me --password=[password] -e 'drop'"),
        ("docker login --password hunter2x", "docker login --password [password]"),
        ("?api_key=a1b2&x=1", "?api_key=[password]&x=1"),
        ("\x1b[1mpasswd\x1b[m=\x1b[31mhunter2", "\x1b[1mpasswd\x1b[m=\x1b[31m[password]"),
        ("git clone https://me:hunter2@host/x", "git clone https://me:[url-password]@host/x"),
        ("postgres://u:p%40ss@db:5432/x", "postgres://u:[url-password]@db:5432/x"),
        ('secret="$(get password=hunter2 )"', 'secret="$(get password=[password] )"'),
    ],
)  # fmt: skip
def test_a_secret_is_masked_and_nothing_else(line: str, masked: str) -> None:
    assert MASK.sub(r"[\1]", redacted(line)) == masked


@pytest.mark.parametrize(
    "line",
    [
        "Enter password:",
        "password: ********",
        "password=$DB_PASSWORD",
        "password=${DB_PASSWORD}",
        "password = None",
        "Password: required",
        "test_password: PASSED",
        "if (password == other)",
        "warning: unused variable 'password' [-Wunused-variable]",
        "undefined reference to `secret::Key::open()'",
        "/etc/passwd: Permission denied",
        "stack ALL=(root) NOPASSWD: /usr/bin/rootwrap",
        "--password TEXT  the password to use",
        "Permission denied (publickey,password).",
        "error: unexpected token: ';'",
        "git clone https://host:8080/x@v1",
        "UVM_INFO @ 1200 ns: token=17 addr=0xdeadbeef",
        "AKIAX is no key",
        "bearer of bad news",
        "-----BEGIN CERTIFICATE-----",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "npm_config_registry_is_a_long_name_with_underscores=1",
    ],
)
def test_ordinary_lines_are_left_alone(line: str) -> None:
    assert redacted(line) == line


def test_the_lines_of_a_private_key_are_masked_one_by_one() -> None:
    key = ["MII" + "x" * 60, "y" * 64, "", "zz=="]
    text = "\r\n".join(["before", BEGIN, *key, END, "after"])
    lines = redacted(text).split("\r\n")
    assert lines[:2] == ["before", BEGIN]
    assert [bool(MASK.fullmatch(line)) for line in lines[2:6]] == [True, True, False, True]
    assert lines[6:] == [END, "after"]


def test_a_key_on_one_line_is_masked() -> None:
    text = redacted(f'{{"key": "{BEGIN}\\nMII{"x" * 60}\\n{END}\\n"}}')
    assert "xxx" not in text
    assert text.count("▮▮▮[private-key]▮▮▮") == 1


def test_a_key_that_is_cut_is_masked_as_far_as_it_looks_like_one() -> None:
    text = f"{BEGIN}\n{'x' * 64}\n{'y' * 64}\nmake: done\npassed"
    assert MASK.sub("M", redacted(text)) == f"{BEGIN}\nM\nM\nmake: done\npassed"


def test_a_prefix_before_the_end_of_a_key_stays() -> None:
    text = f"[output] {BEGIN}\n[output] {'x' * 64}\n[output] {END}"
    assert redacted(text).endswith(f"\n[output] {END}")


def test_hostile_nesting_takes_linear_time() -> None:
    content = b"secret=$(" * 200_000
    started = time.process_time()
    DEFAULT.redact(content)
    assert time.process_time() - started < 5


def test_counts_are_per_rule() -> None:
    _, counts = DEFAULT.redact(f"{GITHUB} {GITHUB}\npassword=x1 {AWS_ID}\n".encode())
    assert counts == {"aws-access-key-id": 1, "github-token": 2, "password": 1}


PARTS = [
    *[
        "password=",
        "secret: ",
        "'",
        '"',
        "hunter2",
        GITHUB,
        JWT,
        AWS_ID,
        "https://u:",
        "@host",
        " ",
    ],
    *["\n", "\r", "\r\n", "Authorization: Bearer ", BEGIN, END, "x" * 64, "▮", "▮▮▮[", "]▮▮▮"],
    *["▮▮▮[jwt]▮▮▮", "\x1b[1m", "token", "é", "$(", "none", "//", "aws_secret_access_key=", "=:"],
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)


@settings(max_examples=400)
@given(TEXTS)
def test_redacting_again_changes_nothing(text: str) -> None:
    once, _ = DEFAULT.redact(text.encode())
    assert DEFAULT.redact(once) == (once, {})


@settings(max_examples=400)
@given(TEXTS)
def test_the_number_of_lines_stays(text: str) -> None:
    once, _ = DEFAULT.redact(text.encode())
    assert len(split_lines(once)) == len(split_lines(text.encode()))


@given(TEXTS, TEXTS)
def test_a_token_never_survives(before: str, after: str) -> None:
    assert GITHUB.encode() not in DEFAULT.redact(f"{before} {GITHUB} {after}".encode())[0]


@given(st.binary())
def test_any_bytes_can_be_redacted(content: bytes) -> None:
    once, counts = DEFAULT.redact(content)
    assert len(split_lines(once)) == len(split_lines(content))
    assert counts or once == content


def test_own_rules_mask_their_groups_or_all() -> None:
    redactor = make_redactor([], [("ticket", r"PROJ-\d+"), ("host", r"host=(?P<n>\S+)")])
    content, counts = redactor.redact(b"PROJ-12 on host=h7 password=x")
    assert content.decode() == "▮▮▮[ticket]▮▮▮ on host=▮▮▮[host]▮▮▮ password=x"
    assert counts == {"host": 1, "ticket": 1}


@settings(max_examples=100)
@given(TEXTS)
def test_an_own_rule_that_matches_inside_masks_leaves_them_whole(text: str) -> None:
    redactor = make_redactor(["default"], [("letters", "[a-z]{3}"), ("spaces", r"\s+")])
    once, _ = redactor.redact(text.encode())
    assert len(split_lines(once)) == len(split_lines(text.encode()))
    assert redactor.redact(once) == (once, {})


@pytest.mark.parametrize(
    ("rules", "own", "says"),
    [
        (["defaults"], [], "'defaults': no such rule"),
        ([], [("broken", "a(")], "'broken': missing )"),
        ([], [("look", "(?=x)")], "'look': "),
        ([], [("empty", "x*")], "'empty': it matches the empty text"),
        ([], [("Bad Name", "x")], "'Bad Name': a name is"),
    ],
)
def test_a_bad_rule_is_named(rules: list[str], own: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        make_redactor(rules, own)


def test_what_is_allowed_is_left_alone_by_that_rule() -> None:
    redactor = make_redactor(["default"], allow=[("password", ["hunter2", "x+"]), ("jwt", ["y"])])
    content, counts = redactor.redact(b"password=hunter2 password=xxx password=hunter22")
    assert content.decode() == "password=hunter2 password=xxx password=▮▮▮[password]▮▮▮"
    assert counts == {"password": 1}


def test_a_long_value_is_never_allowed() -> None:
    redactor = make_redactor(["default"], allow=[("password", [".*"])])
    started = time.process_time()
    content = redactor.redact(b"password=" * 50_000)[0]
    assert time.process_time() - started < 5
    assert b"\xe2\x96\xae" in content


def test_a_rule_that_is_not_there_allows_nothing() -> None:
    with pytest.raises(ValueError, match="redact allow 'nope': no such rule"):
        make_redactor(["default"], allow=[("nope", ["x"])])


def test_a_reporting_redactor_counts_and_masks_nothing() -> None:
    redactor = make_redactor(["default"], report=True)
    text = b"a\n" * 400_000 + b"password=x1\n" + GITHUB.encode()
    masking = Masking(redactor)
    assert b"".join(masking.blocks(io.BytesIO(text).read)) == text
    assert masking.counts == {"github-token": 1, "password": 1}


def test_a_putty_key_is_masked_to_its_mac() -> None:
    text = f"Private-Lines: 2\nAAAA{'x' * 60}\n{'y' * 44}\nPrivate-MAC: 0123\nafter"
    assert MASK.sub("M", redacted(text)) == "Private-Lines: 2\nM\nM\nPrivate-MAC: 0123\nafter"


def test_single_rules_can_be_chosen() -> None:
    redactor = make_redactor(["jwt"])
    assert redactor.redact(f"password=x1 {JWT}".encode())[1] == {"jwt": 1}


def test_a_comment_is_redacted_as_text() -> None:
    assert (
        DEFAULT.redact_text("see password=hunter2 \udcff") == "see password=▮▮▮[password]▮▮▮ \udcff"
    )
    assert DEFAULT.redact_text("fine") == "fine"


def test_a_redactor_can_be_sent_to_a_worker() -> None:
    assert pickle.loads(pickle.dumps(DEFAULT)) is DEFAULT


def hits_in(path: Path) -> list[str]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    masked = DEFAULT.redact(content)[0].decode("utf-8", "replace")
    lines = zip(split_lines(content), split_lines(masked.encode()), strict=True)
    return [
        f"{path.name}:{number} {' '.join(MASK.findall(after.decode()))}"
        for number, (before, after) in enumerate(lines, start=1)
        if b"\xe2\x96\xae" in after and before != after
    ]


def test_real_logs_are_hit_where_a_secret_is_and_nowhere_else() -> None:
    rooms = ("logs", "loganalyze", "turbo-hipster", "treeherder/today", "treeherder/steps")
    paths = [path for room in rooms for path in sorted((DATA / room).glob("*[tgz]"))]
    found = [hit for path in paths for hit in hits_in(path)]
    expected = Path(__file__).with_name("redacted.txt").read_text().splitlines()
    assert found == [line for line in expected if not line.startswith("#")]
