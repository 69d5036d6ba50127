"""Tests with attachments of every kind, for the gallery: taken as a build takes them."""

import functools
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random

import drawn
from browser import pieces, records
from msgspec.structs import replace

from mtsite import rollup, urls
from mtsite.attachment import LEFT_OUT, Attachment
from mtsite.build.attached import heads_of
from mtsite.logs.attach import AttachmentTaker
from mtsite.logs.redact import make_redactor
from mtsite.model import RunRecord, State, Status, TestRecord
from mtsite.pages.attachments import MOST_TEXTS
from mtsite.sample.measures import SampleDatum
from mtsite.sample.pictures import eye_files

NAMES = ("few", "many", "texts", "hostile")
HARMLESS = NAMES[:3]
"""Of which a browser has nothing to refuse."""

SCRIPT = "<script>document.title = 'ran'; fetch('https://evil.example/')</script>"
PAGE = """<!doctype html><title>Report</title><h1>Coverage</h1><p>Lines 93 %</p>
<table border=1><tr><th>file<th>lines<tr><td>dma.sv<td>412</table>"""
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="300" height="90">
<polyline points="0,80 60,20 120,60 200,10 300,70" fill="none" stroke="#1b4f8f"/></svg>"""
BAD_PAGE = f"""{PAGE}{SCRIPT}<p onclick="document.title='ran'">x</p>
<img src="https://evil.example/x.png" onerror="document.title='ran'">
<meta http-equiv="refresh" content="0;url=https://evil.example/">"""
BAD_SVG = SVG.replace("<svg", "<svg onload=\"document.title='ran'\"").replace(
    "</svg>", f"{SCRIPT}</svg>"
)
LEFT = (
    Attachment(
        "dumps/waves.fst", LEFT_OUT, source_size=34_000_000, note="is over max_bytes, 10MiB"
    ),
    Attachment("dumps/core", LEFT_OUT, source_size=812_000_000, note="is over max_bytes, 10MiB"),
    Attachment("key.db", LEFT_OUT, note="holds a secret that can't be masked in it"),
    Attachment("", LEFT_OUT, note="23 more files left out: the first 100 are taken"),
)


def _eye(seed: int, width: float = 0.42, height: float = 118.0) -> dict[str, bytes]:
    values = [
        SampleDatum("eye", name, value, 0, 0, "", None)
        for name, value in (("width", width), ("height", height))
    ]
    return eye_files(values, Random(seed))


def _files() -> dict[str, dict[str, bytes]]:
    few = _eye(1) | {
        "plots/eye_after_retraining_at_the_highest_speed_of_all.png": _eye(2, 0.3, 80.0)[
            "plots/eye.png"
        ],
        "icon.gif": drawn.gif(16, 16),
        "wide.png": drawn.png(2000, 20),
        "report.pdf": b"%PDF-1.7 \0",
    }
    table = "time,module,covered [%],comment\n" + "".join(
        f"{n * 0.25:.2f},dma_{n % 7},{(n * 37) % 100},{'long ' * (n % 40)}\n" for n in range(300)
    )
    texts = {
        "cover.csv": table.encode(),
        "summary.json": json.dumps({"seed": 42, "modules": [{"name": "dma"}] * 30}).encode(),
        "report.html": PAGE.encode(),
        "graph.svg": SVG.encode(),
        "notes.txt": b"Line one\n\tindented, password=hunter2\n\x1b[31mred\x1b[0m\n" * 20,
        "empty.txt": b"",
    }
    many = {f"shot_{n:03d}.png": drawn.png(80 + n % 60, 60) for n in range(400)}
    hostile = {
        pieces.HOSTILE_TEXT[:100] or "x": b"text\n",
        '"><img src=x onerror=alert(1)>.png': drawn.png(),
        "\u202egnp.exe": drawn.png(50, 50),
        "line\nend.txt": BAD_PAGE.encode(),
        "bad.svg": BAD_SVG.encode(),
        "n" * 200 + ".csv": b'a,b\n"<b>x</b>","=1+1"\n',
        "bomb.png": drawn.png(60_000, 60_000),
    }
    return {"few": few, "many": many, "texts": texts, "hostile": hostile}


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Gone with this process."""
    return tempfile.TemporaryDirectory(prefix="attached-")


@functools.cache
def _taken() -> tuple[Path, Mapping[str, tuple[Attachment, ...]]]:
    """Where their blobs lie, and what was taken by test."""
    site = Path(_scratch().name)
    taker = AttachmentTaker(site, make_redactor(["default"]), 10 << 20)
    found = {}
    for test, files in _files().items():
        taken = []
        for name, content in sorted(files.items()):
            (site / "file").write_bytes(content)
            taken.append(taker.take(name, site / "file"))
        found[test] = (*taken, *(LEFT if test == "few" else ()))
    return site, found


class Attached(records.Night):
    """A night in which each test has other attachments."""

    def __init__(self) -> None:
        super().__init__(runname="attached")
        plain = replace(self.run.tests[0], state=State("COMPLETED"), status=Status("FAIL"))
        tests = [replace(plain, testname=name, item_path="", steps=(), data=()) for name in NAMES]
        self.run = replace(self.run, key=self.key, tests=tuple(tests))
        self.verdicts = rollup.test_verdicts(self.run, records.NOW, 7 * records.DAY)
        self.records = {
            (name, ""): TestRecord(name, "", "F", attachments=_taken()[1][name]) for name in NAMES
        }
        self.record = RunRecord(self.key, records.KEYS, self.records)


def heads(kept: TestRecord) -> Mapping[str, bytes]:
    """The beginnings of its texts."""
    return heads_of(_taken()[0], kept.attachments, MOST_TEXTS)


def write_blobs(out: Path) -> None:
    """Put what was taken into a site."""
    shutil.copytree(_taken()[0] / "_blobs", out / "_blobs", dirs_exist_ok=True)


def page(name: str) -> str:
    """Where the page of a test lies."""
    return urls.test_page(replace(records.Night().key, runname="attached"), (name, ""))
