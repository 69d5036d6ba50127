"""Names that want out of their page, their path or their query, and an area full of them."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from areas import TestArea, datum, item, make_area, run, step, test
from storage import connect, insert

from mtsite import urls
from mtsite.model import RunKey

NAMES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload='alert(1)'>",
    "--><!-- ]]>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "&lt;b&gt;&amp;",
    "../../x",
    "..",
    ".",
    "/etc/passwd",
    "C:\\x",
    "~",
    "~~",
    "~2F",
    "%2e%2e",
    "a?b#c",
    "qu\"o'te`s",
    "'; DROP TABLE runs;--",
    "new\nline",
    "car\r\nriage",
    "tab\tbed",
    "nul\0byte",
    "\x1b[31mred\x1b[0m",
    "x" * 300,
    "é" * 200,
    "a//b",
    "/",
    "κόσμος 日本語 😀",
    "\u202eright to left",
    "שלום",
    "\u2028",
    "bro\udcffken",
    "\udcc3",
    "index.html",
    "index.json",
    "latest.html",
    "404.html",
    "_assets",
    "_log",
    "con",
    "dot.",
    " blank ",
    "-rf",
)

TARGET = ("plain", "nfs")


def make_hostile_area(
    root: Path, name: str = "hostile", names: Sequence[str] = NAMES
) -> tuple[TestArea, list[RunKey]]:
    """An area where each name stands in every place that a name can stand; its runs."""
    area = make_area(root, name)
    keys: list[RunKey] = []
    for number, one in enumerate(names):
        tests = [test("t", status=("FAIL", "PASS")[number % 2])]
        area.add_run(run("/nfs", f"k{number}", tests, sysname=one))
        keys.append(RunKey(name, (one or urls.EMPTY_KEY_VALUE, "nfs"), f"k{number}"))
        area.add_run(run("/".join(TARGET), one, tests, owner=one, comment=one, contour=one))
        keys.append(RunKey(name, TARGET, one))
    bodies = [f"line\nERROR: {one}\n".encode("utf-8", "surrogateescape") for one in names]
    tests = [
        test(
            one,
            status="FAIL",
            log=body,
            steps=[step(one, log=body, logfile=one, comment=one, status=one)],
            data=[datum(one, one, value=one, expected=one, tol=one, units=one, comment=one)],
            host=one,
            uname=one,
            comment=one,
        )
        for one, body in zip(names, bodies, strict=True)
    ]
    items = [item(one, status="FAIL", log=b) for one, b in zip(names, bodies, strict=True) if one]
    tests.append(test("items", status="FAIL", items=items))
    area.add_run(run("/".join(TARGET), "many", tests))
    keys.append(RunKey(name, TARGET, "many"))
    with closing(connect(area.database)) as connection, connection:
        for one in names:
            columns = ("author", "owner", "description", "reviewed", "tags", "jobgroup")
            insert(connection, "test_meta", {"testname": one} | dict.fromkeys(columns, one))
    return area, keys
