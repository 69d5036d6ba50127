"""Planted secrets are in no byte of what is built and published; what else [redact] can do."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from areas import TestArea, datum, make_area, run, step, test
from planted import PLANTED, SECRETS, all_bytes, holding, planted_text
from sites import TestSite, difference, make_site

from mtsite import urls
from mtsite.build.theme import schemas_dir
from mtsite.check.files import FileReader, Limits
from mtsite.logs.blocks import BlockWriter
from mtsite.logs.masking import BLOCK_BYTES
from mtsite.model import RunKey
from mtsite.publish.upload import publish_site

LINE = b"an ordinary line of an ordinary log\n"
KEY = RunKey("fullrun", ("u", "v"), "w1")


def large_log() -> bytes:
    """A large log with secrets around every border of what is read and of what is stored."""
    planted = planted_text().encode()
    content = b""
    for border in range(1 << 18, 3 * BLOCK_BYTES + 1, 1 << 18):
        # Its middle comes to lie on the border; the next border cuts another of its lines.
        missing = border - len(content) - (border >> 18) * len(planted) // 7
        content += LINE * (missing // len(LINE)) + planted
    return content + LINE * 3000


def attachments(text: str) -> dict[str, str | bytes]:
    """Texts of each kind that is attached, and one that can't be masked."""
    rows = "".join(f'{number},"{line}"\n' for number, line in enumerate(text.splitlines()))
    return {
        "out/notes.txt": text,
        "out/table.csv": f"number,line\n{rows}",
        "out/said.json": json.dumps({"lines": text.splitlines()}),
        "out/page.html": f"<!doctype html><title>x</title><pre>{text}</pre>",
        "out/drawing.svg": f"<svg xmlns='http://www.w3.org/2000/svg'><text>{text}</text></svg>",
        "out/wide.txt": text.encode("utf-16"),
        "out/packed.txt.gz": gzip.compress(text.encode()),
        "out/odd.bin": b"\0\x01" + text.encode(),
    }


def the_run(log: str = "") -> object:
    text = planted_text()
    rows = [datum("speed", "remark", value=1.5, comment=text), datum(text, "x", value=text)]
    tests = [
        test("logged", log=f"ERROR: {text}", status="FAIL"),
        test("commented", comment=text, status="FAIL", data=rows),
        test("stepped", steps=[step("s", comment=text, log=f"{text}\n")]),
        test("large", status="FAIL", log=log or "fine\n"),
        test("attached", files=attachments(text)),
    ]
    return run("u/v", "w1", tests, comment=text)


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> TestArea:
    return make_area(tmp_path_factory.mktemp("area"), runs=[the_run(large_log().decode())])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, area: TestArea) -> TestSite:
    made = make_site(tmp_path_factory.mktemp("home"), area)
    settings = f'[publish]\ndestination = "{made.root / "www"}"\n'
    configure(made, area, f'{settings}[attachments]\ninclude = ["out/*"]\n')
    assert made.build().problems == []
    publish_site(made.config(), now=2_000_000_000)
    return made


def configure(site: TestSite, area: TestArea, extra: str = "") -> None:
    site.write_config({area.name: area.path}, f'[build]\nengine = "inprocess"\n{extra}')


def test_a_planted_secret_is_in_no_byte_that_was_built(site: TestSite) -> None:
    assert any(path.endswith(".logz") for path in all_bytes(site.tree))
    assert holding(site.tree, *SECRETS) == []


def test_a_planted_secret_is_in_no_byte_that_was_published(site: TestSite) -> None:
    assert len(all_bytes(site.root / "www")) > 10
    assert holding(site.root / "www", *SECRETS) == []


def test_attached_texts_are_masked_and_what_can_not_be_is_left_out(site: TestSite) -> None:
    twin = json.loads((site.tree / urls.run_twin(KEY)).read_bytes())
    told = next(test for test in twin["tests"] if test["testname"] == "attached")["attachments"]
    found = {one["name"]: one for one in told}
    assert len(found) == 8
    masked = {name for name, one in found.items() if one.get("redacted") and one.get("blob")}
    assert masked == found.keys() - {"out/odd.bin"}
    assert "secret" in found["out/odd.bin"]["note"]


def test_the_large_log_keeps_its_lines(site: TestSite) -> None:
    twin = json.loads((site.tree / urls.run_twin(KEY)).read_bytes())
    log = next(test for test in twin["tests"] if test["testname"] == "large")["logs"][0]
    assert log["lines"] == large_log().count(b"\n")
    assert log["redacted"]["jwt"] == large_log().count(b"got eyJ")


def test_counts_stand_by_rule_and_log_in_the_twin_and_for_the_rows(site: TestSite) -> None:
    twin = json.loads((site.tree / urls.run_twin(KEY)).read_bytes())
    logged = next(test for test in twin["tests"] if test["testname"] == "logged")["logs"][0]
    rules = {rule for rule, _, _ in PLANTED} | {"private-key"}
    assert logged["redacted"].keys() == twin["redacted"].keys() == rules
    assert logged["reported"] is False


def test_the_page_of_a_run_sums_them_up(site: TestSite) -> None:
    page = (site.tree / urls.run_page(KEY)).read_text()
    assert "<dt>redacted</dt>" in page
    assert "in 3 logs and the rows: atlassian-token" in page


# -- modes and what is allowed


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[TestSite, TestArea]]:
    runs = [
        run("u/v", "clean", [test("t", log="fine\n")]),
        run("u/v", "w1", [test("t", log="password=hunter2 it is\n")]),
        run("u/v", "w2", [test("t", log="fine\n", comment="see password=hunter3")]),
    ]
    area = make_area(tmp_path, runs=runs)
    (tmp_path / "home").mkdir()
    yield make_site(tmp_path / "home", area), area


def test_mode_fail_leaves_out_runs_that_hold_a_secret(small: tuple[TestSite, TestArea]) -> None:
    site, area = small
    configure(site, area, '[redact]\nmode = "fail"\n')
    summary = site.build()
    assert (summary.runs, len(summary.problems)) == (3, 2)
    assert "secrets in t/final.log (password 1)" in "".join(summary.problems)
    assert "secrets in its rows (password 1)" in "".join(summary.problems)
    pages = [(site.tree / urls.run_page(RunKey("fullrun", ("u", "v"), n))).exists() for n in NAMES]
    assert pages == [True, False, False]
    assert len(site.build().problems) == 2
    configure(site, area)
    assert site.build().problems == []


def test_mode_report_counts_and_masks_nothing(small: tuple[TestSite, TestArea]) -> None:
    site, area = small
    configure(site, area, '[redact]\nmode = "report"\n')
    summary = site.build()
    assert summary.masked == {"password": 2}
    assert [path for path, _ in holding(site.tree, "hunter2") if path.startswith("_blobs/")]
    page = urls.log_page(RunKey("fullrun", ("u", "v"), "w1"), ("t", ""), "final.log")
    assert (
        "1 place that looks like a secret, not masked: password 1" in (site.tree / page).read_text()
    )


def test_what_is_allowed_by_rule_stays(small: tuple[TestSite, TestArea], tmp_path: Path) -> None:
    site, area = small
    configure(site, area, '[redact.allow]\npassword = ["hunter[0-2]"]\njwt = ["hunter3"]\n')
    assert site.build().masked == {"password": 1}
    assert holding(site.tree, "password=hunter2")
    assert not holding(site.tree, "hunter3")
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_check_unpacks_large_logs(tmp_path: Path) -> None:
    with (tmp_path / "a.logz").open("wb") as file:
        writer = BlockWriter(file)
        writer.write(LINE * 20_000 + b"password=hunter2\n" + LINE * 20_000)
        writer.close()
    limits = Limits(1 << 20, 1 << 20, 1 << 20)
    reader = FileReader(
        tmp_path, schemas_dir(), frozenset({"secrets"}), (("default",), (), ()), limits
    )
    ((looked),) = reader(("a.logz",))
    assert [(one.rule, one.told) for one in looked.findings] == [("secrets", "password")]
    (tmp_path / "a.logz").write_bytes((tmp_path / "a.logz").read_bytes()[:-9])
    ((looked),) = reader(("a.logz",))
    assert looked.findings[0].told.startswith("can't be looked at")


NAMES = ("clean", "w1", "w2")
