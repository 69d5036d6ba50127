"""Scheme expressions that need no interpreter, and the cached parses of run directories."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.megatest.scheme import Datum, Surroundings, Symbol, evaluate, read, read_cached

AROUND = Surroundings(Path("/area"), {"X": "none", "EMPTY": ""}.get, "ubuntu/nfs")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("(+ 5 6 7)", "18"),
        ("(- 5)", "-5"),
        ("(* 2 (max 1 (- 7 4)))", "6"),
        ('(args:get-arg "-target")', "ubuntu/nfs"),
        ('(conc "a" 1 #t (getenv "NO"))', "a1#t#f"),
        ('(or (getenv "NO") *toppath*)', "/area"),
        ('(and (getenv "EMPTY") "there")', "there"),
        ('(if (not (getenv "X")) 1 2)', "2"),
        ('(case (string->symbol (getenv "X")) ((a b) 1) ((none) "nbfake") (else 3))', "nbfake"),
        ('(case 7 ((a b) 1) (else "rest"))', "rest"),
        ('(create-directory "/area/links" #t)', "/area/links"),
        ('(common:nice-path "sub/../x")', "/area/x"),
        ('(string-intersperse (list "a" "b") ",")', "a,b"),
        ('"say \\"hi\\"\\n"', 'say "hi"\n'),
        ("; a comment\n1 ; and one more", "1"),
    ],
)
def test_what_needs_no_interpreter_is_told(text: str, told: str) -> None:
    assert evaluate(text, AROUND) == told


@pytest.mark.parametrize(
    "text",
    [
        "(get-host-name)",
        '(system "touch ran")',
        '(args:get-arg "-runtests")',
        "unbound",
        "(+ 1 x)",
        '(+ 1 "2")',
        "(case 1 ((2) 3))",
        "(getenv)",
        "((lambda () 1))",
        "(",
        ")",
        '"open',
        "'",
        "(list 1 2)",
        "(* 999999999 999999999)",
    ],
)
def test_the_rest_is_unknown_never_guessed(text: str) -> None:
    assert evaluate(text, AROUND) is None


def test_no_target_is_known_unless_there_is_one() -> None:
    nowhere = Surroundings(Path("/area"), {}.get, "")
    assert evaluate('(args:get-arg "-target")', nowhere) is None


def test_nesting_and_growth_are_bounded() -> None:
    started = time.monotonic()
    assert evaluate("(" * 500_000, AROUND) is None
    assert evaluate("'" * 500_000 + "a", AROUND) is None
    long = Surroundings(Path("/area"), {"X": "x" * 500_000}.get, "")
    assert evaluate("(conc " + '(getenv "X")' * 20_000 + ")", long) is None
    assert time.monotonic() - started < 5


def test_a_cached_parse_gives_sections_and_values() -> None:
    text = '(("test_meta" ("owner" "bob \\"b\\"") ("n" #f) ("empty"))\n ("items" ("A" "1 2")))\n'
    assert read_cached(text) == {
        "test_meta": {"owner": 'bob "b"', "n": "", "empty": ""},
        "items": {"A": "1 2"},
    }


@pytest.mark.parametrize("text", ["", "()()", "(1)", '("a")', '(("a" ("k" "v")', "[a]\nk v\n"])
def test_what_is_no_cached_parse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not|name|closed"):
        read_cached(text)


def written(datum: Datum) -> str:
    if isinstance(datum, Symbol):
        return str(datum)
    if isinstance(datum, str):
        return '"' + datum.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(datum, tuple):
        return "(" + " ".join(map(written, datum)) + ")"
    return {True: "#t", False: "#f"}[datum] if isinstance(datum, bool) else str(datum)


DATA = st.recursive(
    st.text() | st.integers(-(10**14), 10**14) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=20,
)


@given(DATA)
def test_what_is_written_reads_back(datum: Datum) -> None:
    assert read(written(datum)) == (datum,)


@given(st.text(st.sampled_from("()'\"\\; \naZ1+#tf-"), max_size=80))
def test_no_text_raises(text: str) -> None:
    evaluate(text, AROUND)
