"""What is fuzzed: functions of any bytes that raise when a promise is broken.

Hypothesis draws bytes for them (test_targets.py), and `python tests/fuzz/explore.py TARGET` lets
Atheris look for bytes that reach code which none has reached before. `corpus/TARGET/` has inputs
that were worth keeping: each is tried again by every run of the tests.
"""

import copy
import json
import string
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mtsite import record, urls
from mtsite.config import load_config
from mtsite.errors import MtsiteError
from mtsite.logs import ansi
from mtsite.logs.redact import make_redactor
from mtsite.logs.source import count_lines, decode_line, split_lines, split_lines_keeping_ends
from mtsite.megatest.configfile import read_config
from mtsite.publish import shards

MOST_BYTES = 4096
CORPUS = Path(__file__).parent / "corpus"
SAFE = frozenset(string.ascii_letters + string.digits + "._-=,@~")
STYLE = frozenset(string.ascii_lowercase + string.digits + "- ")
_HERE = Path(tempfile.gettempdir())


ODD: tuple[object, ...] = (None, 0, -1, 1 << 70, 1.5, True, "", "x", "\udc80", [], {}, [[]], ["a"])
"""What may stand in place of a value."""

WHOLE = (Path(__file__).parent / "record.json").read_bytes()
"""A record that has something of everything."""


def settings(content: bytes) -> None:
    """mtsite.toml: settings, or every mistake in one error; never anything else."""
    with tempfile.TemporaryDirectory(dir=_HERE) as directory:
        path = Path(directory) / "mtsite.toml"
        path.write_bytes(content)
        try:
            load_config(path, {})
        except MtsiteError as error:
            assert error.message


def area_config(content: bytes) -> None:
    """megatest.config: sections of text, whatever somebody wrote; no command is run."""
    with tempfile.TemporaryDirectory(dir=_HERE) as directory:
        path = Path(directory) / "megatest.config"
        path.write_bytes(content)
        try:
            found = read_config(path, area_path=path.parent, environ={})
        except MtsiteError as error:
            assert error.message
            return
        assert all(isinstance(v, str) for keys in found.sections.values() for v in keys.values())


def path_rule(content: bytes) -> None:
    """A name becomes one safe segment, and comes back from it."""
    name = content.decode("utf-8", "surrogateescape")
    segment = urls.segment(name)
    assert 0 < len(segment) <= urls.SEGMENT_BYTES
    assert not set(segment) - SAFE
    assert segment[0] not in "_." and segment not in urls.RESERVED
    assert "~~" in segment or urls.name_of(segment) == name
    back = urls.name_of(content.decode("latin-1"))
    assert back is None or urls.segment(back) == content.decode("latin-1")


def splitter(content: bytes) -> None:
    """A log in lines: nothing is lost, and all ways to count agree."""
    lines = split_lines_keeping_ends(content)
    assert b"".join(lines) == content
    assert len(lines) == len(split_lines(content)) == count_lines(content)
    for line in split_lines(content):
        text, broken = decode_line(line)
        assert broken >= 0 and "\n" not in text


def escapes(content: bytes) -> None:
    """A line with terminal codes as spans: the text without codes, and names of styles alone."""
    plain = ansi.strip(content)
    assert plain.count(b"\n") == content.count(b"\n")
    assert ansi.strip(plain) == plain or b"\x1b" in plain
    for line in split_lines(content):
        text, _ = decode_line(line)
        spans = ansi.to_spans(text)
        assert all(not set(classes) - STYLE for classes, _ in spans)
        assert "\x1b" not in "".join(shown for _, shown in spans)


def manifest(content: bytes) -> None:
    """The root at a destination and a shard: read as they were written, or refused."""
    try:
        root = shards.decode_root(content)
    except (ValueError, RecursionError):
        pass
    else:
        assert shards.decode_root(shards.encode_root(root)) == root
    try:
        lines = [shards._line(text) for text in content.splitlines()]
    except (ValueError, RecursionError):
        return
    ref, packed = shards.encode_shard(lines, 1)
    assert shards.decode_shard(ref, packed) == lines


def run_record(content: bytes) -> None:
    """A file of `_record/`: read, and written again as the same record, or refused.

    Bytes alone are hardly ever JSON: they also choose what is changed in a record that has all.
    """
    for told in (content, spoiled_record(content)):
        try:
            found = record.decode_foreign(told)
        except ValueError:
            continue
        again = record.encode(found)
        assert record.encode(record.decode_foreign(again)) == again


def spoiled_record(content: bytes) -> bytes:
    """A record of which each three bytes change one value, or take it away."""
    told = json.loads(WHOLE)
    for place, kind, which in zip(*(content[at:60:3] for at in range(3)), strict=False):
        places = _places(told)
        parent, key = places[(place << 8 | kind) % len(places)]
        if which % 16 == 15:
            del parent[key]
        elif which % 16 == 14:
            parent[key] = copy.deepcopy(parent)
        else:
            parent[key] = copy.deepcopy(ODD[which % len(ODD)])
    return json.dumps(told).encode()


def _places(told: Any) -> list[tuple[Any, Any]]:
    """Each place below a value: what it lies in, and under which key or number."""
    found: list[tuple[Any, Any]] = []
    todo = [told]
    while todo:
        one = todo.pop()
        keys = one if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        found += [(one, key) for key in keys]
        todo += [one[key] for key in keys]
    return found


REDACTOR = make_redactor(["default"])


def redaction(content: bytes) -> None:
    """Masks: lines stay, and masking again changes nothing."""
    once, counts = REDACTOR.redact(content)
    assert len(split_lines(once)) == len(split_lines(content))
    assert bool(counts) or once == content
    assert REDACTOR.redact(once) == (once, {})


_ALL = (settings, area_config, path_rule, splitter, escapes, manifest, run_record, redaction)
TARGETS: Mapping[str, Callable[[bytes], None]] = {one.__name__: one for one in _ALL}

# Words that a generator of bytes would take long to find.
WORDS: Mapping[str, tuple[bytes, ...]] = {
    "settings": (
        b"[site]\n",
        b'title = "x"\n',
        b"[areas.a]\n",
        b'path = "/x"\n',
        b"[redact]\n",
    ),
    "area_config": (
        b"[setup]\n",
        b"[include x]\n",
        b"a #{getenv X}\n",
        b"#{shell x}",
        b"[%x%]\n",
    ),
    "manifest": (
        json.dumps({"schema": shards.SCHEMA, "generation": 1, "areas": [], "shards": []}).encode(),
        b'["a/b.html","' + b"0" * 64 + b'",3]\n',
        b'["a",null,3]\n',
    ),
    "run_record": (
        b'{"schema": "mtsite/record/1","key":["a",["b"],"c"],"keys":["k"],"tests":[],"facts":null,'
        b'"sealed":"","summary":null,"gone":""}',
    ),
    "redaction": (
        b"password=",
        b"\x1b[1m",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"Bearer ",
        b"://u:p@",
    ),
}
