"""Without google-re2 the same lines are found and the same secrets masked, only slower."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.backtracking import compile_backtracking
from mtsite.logs.families import built_in
from mtsite.logs.redact_rules import DEFAULT_RULES, KEY_BEGIN
from mtsite.regex import compile_bytes

DATA = Path(__file__).parent / "data"

VERDICTS = r"""
import gzip, hashlib, json, sys
from msgspec import to_builtins
from pathlib import Path
if sys.argv[1] == "without":
    sys.modules["re2"] = None
from mtsite import regex
assert (regex.re2 is None) == (sys.argv[1] == "without")
from mtsite.logs.families import built_in
from mtsite.logs.levels import shown_levels
from mtsite.logs.redact import make_redactor
from mtsite.logs.scan import scan
from mtsite.megatest import grammar
redactor = make_redactor(["default"], [("own", r"(?i)nova[\s]+(\w+)")])
for name in sys.argv[2:]:
    raw = Path(name).read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw)[:400_000]
    masked, counts = redactor.redact(text)
    judged = to_builtins(scan(masked, built_in(), Path(name).name))
    print(json.dumps([hashlib.sha256(masked).hexdigest(), counts, judged, shown_levels(masked)]))
"""


def verdicts(how: str) -> list[str]:
    logs = [*sorted((DATA / "logs").glob("*.txt*")), *sorted((DATA / "logs").glob("*.log"))]
    command = [sys.executable, "-c", VERDICTS, how, *map(str, logs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


def test_real_logs_have_the_same_verdicts_and_masks_without_re2() -> None:
    with_re2, without = verdicts("with"), verdicts("without")
    assert [json.loads(line) for line in without] == [json.loads(line) for line in with_re2]
    assert len(without) > 5


PATTERNS = [
    *[rule.hint for rule in built_in().rules],
    *[rule.pattern for rule in DEFAULT_RULES],
    KEY_BEGIN,
]
LINES = gzip.decompress((DATA / "logs/xpcshell-multiple.txt.gz").read_bytes())[:30_000]


@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
def test_every_hint_and_rule_matches_where_re2_does(pattern: bytes) -> None:
    texts = b"\r\n".join([*LINES.splitlines()[:40], *severity_lines()])
    places = [match.span() for match in compile_bytes(pattern).finditer(texts)]
    assert [match.span() for match in compile_backtracking(pattern).finditer(texts)] == places


def severity_lines() -> list[bytes]:
    found = []
    for file in sorted((Path(__file__).parent / "logs").glob("*.txt")):
        found += file.read_bytes().splitlines()
    return found[:1500]


SYNTAX = [
    *[
        rb"a\s+b",
        rb"[\sx]y",
        rb"[^\S\n]a",
        rb"(?m)^b$",
        rb"b$",
        rb"a\z",
        rb"(?i)AB",
        rb"(?:(?i)A)b",
    ],
    *[rb"(?m)(?i)^A|b$", rb"x(?-i:a)", rb"[]a]", rb"[^]a]+", rb"[a[]", rb"[a&&b]", rb"\x{61}\x62"],
    *[
        rb"(?P<n>a)|(?<m>b)",
        rb"(?s)a.b",
        rb"a.b",
        rb"a{2,3}?",
        rb"\bab\b",
        rb"(?m:^a)|\Ab",
        rb"a||b",
    ],
]


@given(st.lists(st.sampled_from(list("abAB \n\r\v\t[&]x")), max_size=14))
@pytest.mark.parametrize("pattern", SYNTAX)
def test_syntax_means_what_it_means_to_re2(pattern: bytes, letters: list[str]) -> None:
    text = "".join(letters).encode()
    found, wanted = compile_backtracking(pattern).search(text), compile_bytes(pattern).search(text)
    assert (found and found.span()) == (wanted and wanted.span())


@pytest.mark.parametrize(
    "pattern",
    [
        *[rb"(", rb")", rb"[a", rb"a**", rb"a++", rb"(?=x)", rb"(?!x)", rb"(?<=x)", rb"\1", rb"\y"],
        *[rb"(?P=n)", rb"(?>a)", rb"\Z", b"a\\"],
    ],
)
def test_what_re2_refuses_is_refused(pattern: bytes) -> None:
    with pytest.raises(ValueError):
        compile_bytes(pattern)
    with pytest.raises(ValueError):
        compile_backtracking(pattern)
