"""Attachments from the run directory to the page of the test, its twin, and what lets them go."""

import html
import json
import os
import re
from pathlib import Path

import drawn
import pytest
from areas import TestArea, item, make_area, run, test
from msgspec.structs import replace
from sites import TestSite, difference, files_of, make_site, silent

from mtsite import record, urls
from mtsite.archive.records import without_logs
from mtsite.build.theme import schemas_dir
from mtsite.check.site import Wishes, check_site
from mtsite.engines.inprocess import InProcess
from mtsite.model import RunKey, TestName

KEY = RunKey("fullrun", ("u", "v"), "w1")
CONFIG = '[build]\nengine = "inprocess"\n[attachments]\ninclude = ["**/*"]\n'
NAMED = '"><script>alert(1)</script>\n\u202egnp.txt'
TABLE = "step,seconds\n" + "".join(f"s{n},{n}.5\n" for n in range(200))
FILES: dict[str, str | bytes] = {
    "shots/first.png": drawn.png(640, 480, extra=drawn.PLACE),
    "shots/photo.jpg": drawn.jpeg(turned=6),
    "numbers.csv": TABLE,
    "report.json": '{"b": [1, {"a": "password=hunter2"}]}',
    "notes.txt": "line one\npassword=hunter2\n",
    "page.png": "<!doctype html><script>document.title = 'run'</script><h1>Hello</h1>",
    "manual.pdf": b"%PDF-1.7 \0\1",
    "big.bin": b"\0" * 3000,
    NAMED: "hostile name\n",
    ".hidden": "not chosen\n",
    os.fsdecode(b"\xff\xfe.txt"): "a name that is no text\n",
}


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> TestArea:
    tests = [
        test("ui", status="FAIL", log="ERROR: it broke\n", files=FILES),
        test("each", items=[item("one", files={"one.txt": "of one item\n"})]),
        test("many", files={f"p{n:03d}.png": drawn.png(9 + n, 9) for n in range(120)}),
        test("bare"),
    ]
    made = make_area(tmp_path_factory.mktemp("area"), runs=[run("u/v", "w1", tests)])
    made.add_run(run("u/v", "w2", [test("ui", files={"notes.txt": "later\n"})]))
    rundir = made.rundir("w1", "ui")
    os.mkfifo(rundir / "pipe.png")
    (rundir / "secret.txt").symlink_to("/etc/passwd")
    (rundir / "away").symlink_to("/etc")
    (rundir / "nowhere.png").symlink_to(rundir / "none")
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, area: TestArea) -> TestSite:
    made = make_site(tmp_path_factory.mktemp("home"), area)
    configure(made, area, 'max_bytes = "2KiB"\n')
    assert made.build().problems == []
    return made


def configure(site: TestSite, area: TestArea, more: str = "") -> None:
    site.write_config({area.name: area.path}, CONFIG + more)


def visible_text(page: str) -> str:
    """What a reader sees of a page, white space in runs as one but for line ends and indents."""
    return html.unescape(re.sub(r"<[^>]*>", "", page)).replace("\u202f", " ")


def page_of(site: TestSite, *name: str, key: RunKey = KEY) -> str:
    return (site.tree / urls.test_page(key, (*name, "")[:2])).read_text("utf-8")


def attachments_of(site: TestSite, name: TestName = ("ui", "")) -> dict[str, dict[str, object]]:
    twin = json.loads((site.tree / urls.run_twin(KEY)).read_bytes())
    found = next(one for one in twin["tests"] if (one["testname"], one["item_path"]) == name)
    return {one["name"]: one for one in found["attachments"]}


def test_a_picture_is_shown_with_its_size_and_leads_to_itself(site: TestSite) -> None:
    shot = attachments_of(site)["shots/first.png"]
    page = page_of(site, "ui")
    tag = re.search(rf'<a href="([^"]*{shot["blob"]})"><img src="\1"([^>]*)>', page)
    assert tag is not None
    assert tag[2].split() == [
        'width="192"',
        'height="144"',
        'alt="shots/first.png"',
        'loading="lazy"',
        'decoding="async"',
    ]
    assert "640 × 480" in page


def test_a_picture_is_published_without_what_a_camera_adds(site: TestSite) -> None:
    found = attachments_of(site)
    for name in ("shots/first.png", "shots/photo.jpg"):
        assert b"GPS" not in (site.tree / str(found[name]["blob"])).read_bytes()
    assert (found["shots/photo.jpg"]["width"], found["shots/photo.jpg"]["height"]) == (30, 40)


def test_secrets_are_in_no_byte_that_was_built(site: TestSite) -> None:
    assert [path for path, content in files_of(site.tree).items() if b"hunter2" in content] == []
    assert attachments_of(site)["notes.txt"]["redacted"] == {"password": 1}
    assert "1 secret masked (password 1)" in page_of(site, "ui")


def test_a_table_shows_its_first_rows_and_leads_to_all(site: TestSite) -> None:
    page = page_of(site, "ui")
    assert '<th scope="col">seconds</th>' in page
    assert "<td>49.5</td>" in page and "<td>50.5</td>" not in page
    assert "the first 50 rows" in page


def test_json_is_indented(site: TestSite) -> None:
    assert '  "b": [\n    1,\n' in visible_text(page_of(site, "ui"))


def test_a_page_is_shown_in_a_frame_where_no_script_runs(site: TestSite) -> None:
    page = page_of(site, "ui")
    (frame,) = re.findall(r"<iframe ([^>]*)>", page)
    assert frame.startswith('sandbox loading="lazy" title="page.png" srcdoc="')
    assert "<script>document" not in page
    assert str(attachments_of(site)["page.png"]["blob"]).endswith(".txt")


def test_anything_else_is_a_download_under_its_own_name(site: TestSite) -> None:
    blob = attachments_of(site)["manual.pdf"]["blob"]
    assert f'{blob}" download="manual.pdf"' in page_of(site, "ui")
    assert str(blob).endswith(".bin")


def test_what_is_left_out_is_said_with_its_size_and_reason(site: TestSite) -> None:
    page = visible_text(page_of(site, "ui"))
    assert "Left out (is over max_bytes, 2KiB): big.bin 3.0 kB." in page
    assert "Left out (is a named pipe, not a regular file): pipe.png." in page
    assert "Left out (leads nowhere): nowhere.png." in page
    outside = "lies outside the run directory, the linktree and the area"
    assert f"Left out ({outside}): secret.txt." in page
    assert "root:" not in page


def test_neither_hidden_names_nor_linked_directories_nor_logs_are_taken(site: TestSite) -> None:
    found = attachments_of(site)
    assert not {".hidden", "away", "final.log"} & found.keys()
    assert not any(name.startswith("away/") for name in found)


def test_a_hostile_name_is_only_a_name(site: TestSite) -> None:
    assert "<script>alert" not in page_of(site, "ui")
    assert NAMED in attachments_of(site)


def test_a_name_that_is_no_text_is_shown_all_the_same(site: TestSite) -> None:
    assert "\ufffd\ufffd.txt" in attachments_of(site)
    assert "\ufffd\ufffd.txt" in page_of(site, "ui")


def test_an_item_has_its_own(site: TestSite) -> None:
    assert attachments_of(site, ("each", "one")).keys() == {"one.txt"}
    assert "of one item" in page_of(site, "each", "one")
    assert 'id="attachments"' not in page_of(site, "each")


def test_of_many_files_the_first_are_taken_and_the_rest_is_said(site: TestSite) -> None:
    page = page_of(site, "many")
    assert "20 more files left out: the first 100 are taken" in page
    assert len(attachments_of(site, ("many", ""))) == 101
    assert page.count("<img ") == 72
    assert "60 more pictures" in page
    assert len(page) < 60_000


def test_a_test_without_any_says_nothing(site: TestSite) -> None:
    twin = json.loads((site.tree / urls.run_twin(KEY)).read_bytes())
    bare = next(one for one in twin["tests"] if one["testname"] == "bare")
    assert "attachments" not in bare
    assert "Attachments" not in page_of(site, "bare")


def test_the_check_finds_nothing_in_what_was_built(site: TestSite) -> None:
    config = site.config()
    wishes = Wishes(config.check.levels, schemas_dir())
    assert check_site(config, InProcess(1), silent, wishes).findings == []


def test_a_tree_that_is_built_again_is_the_same(site: TestSite, tmp_path: Path) -> None:
    before = files_of(site.tree)
    site.build()
    assert files_of(site.tree) == before
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


# -- what comes and goes


@pytest.fixture
def small(tmp_path: Path) -> tuple[TestSite, TestArea]:
    area = make_area(tmp_path, runs=[run("u/v", "w1", [test("ui", files={"a.txt": "first\n"})])])
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    configure(site, area)
    site.build()
    return site, area


def test_one_that_changes_changes_its_own_run_alone(small: tuple[TestSite, TestArea]) -> None:
    site, area = small
    area.add_run(run("u/v", "w2", [test("ui", files={"a.txt": "second\n"})]))
    site.build()
    before = files_of(site.tree)
    (area.rundir("w2", "ui") / "a.txt").write_text("third!\n")
    site.build()
    changed = {path for path, content in files_of(site.tree).items() if before.get(path) != content}
    own = re.compile(
        r"fullrun/u/v/w2/(ui/index\.html|index\.(html|json))|_record/.*/w2/.*|_blobs/.*"
    )
    assert [path for path in changed if not own.fullmatch(path)] == []
    assert "third!" in page_of(site, "ui", key=replace(KEY, runname="w2"))


def test_what_was_taken_stays_when_the_run_directory_goes(
    small: tuple[TestSite, TestArea], tmp_path: Path
) -> None:
    site, area = small
    (area.rundir("w1", "ui") / "a.txt").unlink()
    site.build()
    assert "first" in visible_text(page_of(site, "ui"))
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_an_area_may_choose_others(small: tuple[TestSite, TestArea]) -> None:
    site, area = small
    area.add_run(run("u/v", "w2", [test("ui", files={"a.txt": "x\n", "b.csv": "a,b\n"})]))
    text = (site.root / "mtsite.toml").read_text()
    chosen = text.replace("\n[build]", 'attachments = ["*.csv"]\n[build]')
    (site.root / "mtsite.toml").write_text(chosen)
    site.build()
    page = page_of(site, "ui", key=replace(KEY, runname="w2"))
    assert "b.csv" in page and "a.txt" not in page


def test_a_record_of_an_older_version_has_none(small: tuple[TestSite, TestArea]) -> None:
    site, _ = small
    kept = record.load(site.tree, KEY)
    assert kept is not None
    content = record.encode(
        replace(kept, tests={("t", ""): replace(kept.tests["ui", ""], attachments=())})
    )
    assert b"a.txt" not in content
    assert record.decode(content).tests["ui", ""].attachments == ()
    assert record.decode(record.encode(kept)) == kept


def test_they_end_with_the_logs(small: tuple[TestSite, TestArea]) -> None:
    site, _ = small
    kept = record.load(site.tree, KEY)
    assert kept is not None
    ended = without_logs(kept, "ended by logs = 30d").tests["ui", ""].attachments
    assert [(one.name, one.blob, one.ended) for one in ended] == [
        ("a.txt", "", "ended by logs = 30d")
    ]
