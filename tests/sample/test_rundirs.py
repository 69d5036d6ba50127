import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mtsite.sample.areas import make_samples
from mtsite.sample.chipyard import CHIPYARD
from mtsite.sample.faults import FAULTS, NO_SPACE
from mtsite.sample.webstack import WEBSTACK

NOW = 1_795_327_200
NO_DIRECTORIES = {"perf-baseline", "scratch_mw"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return make_samples(tmp_path_factory.mktemp("small"), seed=1, now=NOW, days=6)


def rows(site, sql):
    found = []
    for path in site.areas.values():
        with closing(sqlite3.connect(path / "megatest.db")) as connection:
            connection.row_factory = sqlite3.Row
            found += connection.execute(sql).fetchall()
    return found


def rows_with_directories(site):
    return [
        row
        for row in rows(site, "SELECT r.runname, t.* FROM tests t JOIN runs r ON r.id = t.run_id")
        if row["runname"] not in NO_DIRECTORIES and row["rundir"] != "/tmp/badname"
    ]


def all_logs(site):
    return [path for path in site.root.rglob("*.log") if path.is_file()]


def test_the_log_of_record_is_where_the_row_says(site):
    found = rows_with_directories(site)
    assert len(found) > 500
    for row in found:
        assert Path(row["rundir"], row["final_logf"]).is_file(), row["rundir"]


def test_the_log_of_each_step_is_where_the_row_says(site):
    steps = rows(
        site,
        "SELECT r.runname, t.rundir, s.logfile FROM test_steps s JOIN tests t ON t.id = s.test_id"
        " JOIN runs r ON r.id = t.run_id",
    )
    for row in steps:
        if row["runname"] not in NO_DIRECTORIES:
            assert Path(row["rundir"], row["logfile"]).is_file()


def test_a_test_in_the_linktree_is_a_link_to_its_disk(site):
    for row in rows_with_directories(site):
        if row["uname"] != "n/a":
            assert Path(row["rundir"]).is_symlink()
            assert str(Path(row["rundir"]).readlink()) == row["shortdir"]


def test_an_iterated_test_is_a_real_directory_in_the_linktree(site):
    toplevel = [row for row in rows_with_directories(site) if row["uname"] == "n/a"]
    assert toplevel
    for row in toplevel:
        assert not Path(row["rundir"]).is_symlink()
        assert (Path(row["rundir"]) / f"megatest-rollup-{row['testname']}.html").is_file()


def test_tests_of_one_area_lie_on_several_disks(site):
    disks = {
        Path(row["shortdir"]).parts[len(site.root.parts) + 1]
        for row in rows_with_directories(site)
        if row["uname"] != "n/a"
    }
    assert {"chipyard_a", "chipyard_b", "webstack_a", "webstack_b"} == disks


def test_runs_that_were_cleaned_have_rows_but_no_directory(site):
    cleaned = [
        row
        for row in rows(site, "SELECT r.runname, t.* FROM tests t JOIN runs r ON r.id = t.run_id")
        if row["runname"] == "perf-baseline"
    ]
    assert cleaned
    assert not any(Path(row["rundir"]).exists() for row in cleaned)


def failing_lines(testname, item_path):
    """The fixed part of the lines that this test may fail with."""
    names = {
        event.fault
        for spec in (CHIPYARD, WEBSTACK)
        for event in spec.events
        if event.test == testname and event.item in {"%", item_path} and event.fault
    }
    lines = [line for name in (*names, NO_SPACE) for line in FAULTS[name].lines]
    return [max(re.split(r"\{[a-z]+\}|\{\{", line), key=len) for line in lines]


def test_the_log_of_a_failed_test_says_why(site):
    seen = 0
    for row in rows_with_directories(site):
        if row["state"] == "COMPLETED" and row["status"] in {"FAIL", "ABORT"}:
            if row["uname"] == "n/a":
                continue
            log = Path(row["rundir"], row["final_logf"]).with_suffix(".log")
            text = log.read_text(errors="replace")
            lines = failing_lines(row["testname"], row["item_path"])
            assert any(line in text for line in lines), (row["testname"], row["item_path"])
            seen += 1
    assert seen > 30


def test_the_log_of_a_passed_test_says_nothing_of_a_failure(site):
    for row in rows_with_directories(site):
        if row["status"] == "PASS" and row["state"] == "COMPLETED" and row["uname"] != "n/a":
            text = Path(row["rundir"], row["final_logf"]).read_text(errors="replace")
            assert not re.search(r"Traceback|UVM_ERROR [^:]|UVM_FATAL [^:]|error:|FAILED", text)


def test_a_planted_token_lies_in_a_log_and_nowhere_in_the_source(site):
    logs = [path for path in all_logs(site) if site.tokens[0].encode() in path.read_bytes()]
    assert logs
    assert all(site.tokens[1].encode() in path.read_bytes() for path in logs)
    source = Path(__file__).parents[2] / "mtsite" / "sample"
    for path in source.glob("*.py"):
        text = path.read_text()
        assert not any(token in text for token in site.tokens)


def test_one_log_is_long_one_empty_one_broken_one_colourful_and_one_draws_progress(site):
    contents = [path.read_bytes() for path in all_logs(site)]
    assert any(content.count(b"\n") > 2000 for content in contents)
    assert any(not content for content in contents)
    assert any(b"\x1b[1;31m" in content for content in contents)
    assert any(b"\r#" in content for content in contents)
    broken = [content for content in contents if _is_broken(content)]
    assert len(broken) >= 1


def test_one_log_is_a_link_that_leaves_its_directory(site):
    links = [path for path in site.root.rglob("*.log") if path.is_symlink()]
    assert links
    outside = site.root / "elsewhere"
    assert all(path.resolve().is_relative_to(outside) for path in links)


def test_logpro_leaves_a_page_and_a_summary_beside_the_log(site):
    pages = list((site.root / "disks").rglob("lint.html"))
    assert pages
    for page in pages:
        assert page.with_suffix(".log").is_file()
        assert "[final]\nexit-code " in page.with_suffix(".dat").read_text()


def test_no_log_names_a_path_outside_the_root(site):
    for path in all_logs(site):
        for word in path.read_text(errors="replace").split():
            assert not word.startswith(("/home", "/usr", "/tmp", "/work")), path


def _is_broken(content):
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False
