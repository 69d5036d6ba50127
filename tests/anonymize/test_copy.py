"""A copy keeps the shape of an area, none of its words, and is taken away when one is left."""

import errno
import gzip
import io
import json
import lzma
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from areas import TestArea, datum, make_area, run, step, test
from calling import called
from dying import ended, in_child, told
from jsonschema import Draft202012Validator
from namespaces import may_have_own_disk, own_disk
from planted import all_bytes
from sites import make_site
from storage import connect, insert

from mtsite import cli, urls
from mtsite.anonymize import copy as anonymize
from mtsite.anonymize.copy import Anonymized, Wishes, anonymize_area, plan_copy, read_key
from mtsite.errors import DestinationError, UsageError, VerificationError
from mtsite.invocation import Invocation
from mtsite.model import RunKey
from mtsite.terminal import TerminalReport

ROOT = Path(__file__).parents[2]
KEY = b"a key of some length"
USER, HOST, DOMAIN, MAIL = "mkramer", "node17", "corp.umbrella.org", "maria.k@umbrella.org"
LOG = f"ERROR: {USER} on {HOST} wrote to {MAIL}\n/home/{USER}/src/a.c:3: error: no\n"


def quiet(what: str, done: int, total: int) -> None:
    """A report that nobody reads."""


@dataclass
class Copy:
    area: TestArea
    path: Path
    done: Anonymized


def the_runs() -> list[object]:
    tests = [
        test(
            "compile",
            status="FAIL",
            log=LOG,
            host=f"{HOST}.{DOMAIN}",
            uname=f"Linux {HOST} 5.4",
            comment=f"ask {USER}, see http://{HOST}.{DOMAIN}/x",
            steps=[step("cc", log=f"{USER}\n", comment=f"by {USER}")],
            data=[datum("speed", f"of_{HOST}", value=3, comment=MAIL)],
            files={"more.log.gz": gzip.compress(LOG.encode()), "core.xz": lzma.compress(b"x\0y")},
        ),
        test("items", host=HOST, items=[f"for_{USER}", "plain"]),
    ]
    return [
        run("ubuntu/nfs", "w01", tests, owner=USER, comment=f"{USER}'s"),
        run("ubuntu/nfs", f"{USER}_w02", tests, owner="root"),
    ]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("umbrella")
    area = make_area(root, runs=the_runs())
    with closing(connect(area.database)) as connection, connection:
        insert(connection, "test_meta", {"testname": "compile", "author": USER, "owner": "zz"})
    target = tmp_path_factory.mktemp("out") / "shared"
    return Copy(area, target, anonymize_area(area.path, target, KEY, Wishes(), quiet))


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("word", [USER, HOST, DOMAIN, "umbrella", "maria", KEY.decode()])
def test_no_word_is_in_any_byte_of_the_copy(copy: Copy, word: str) -> None:
    assert [
        path for path, content in all_bytes(copy.path).items() if word.encode() in content
    ] == []
    assert [path for path in copy.path.rglob("*") if word in path.name] == []


def test_equal_values_are_equal_in_tables_names_and_logs(copy: Copy) -> None:
    ((owner,),) = rows(copy.path / "megatest.db", "SELECT owner FROM runs WHERE runname = 'w01'")
    ((author,),) = rows(copy.path / "megatest.db", "SELECT author FROM test_meta")
    ((runname,),) = rows(copy.path / "megatest.db", "SELECT runname FROM runs WHERE owner = 'root'")
    assert owner == author
    assert runname == f"{owner}_w02"
    log = copy.path / "lt/ubuntu/nfs" / str(runname) / "compile" / "final.log"
    assert log.read_text().startswith(f"ERROR: {owner} on host-")
    packed = log.with_name("more.log.gz")
    assert gzip.decompress(packed.read_bytes()).decode() == log.read_text()


COUNTED = (
    "SELECT state, status, count(*), sum(event_time), sum(run_duration) FROM tests GROUP BY 1, 2"
)


def test_ids_times_states_and_counts_stay(copy: Copy) -> None:
    for query in (
        COUNTED,
        "SELECT id, testname, run_id, last_update FROM tests ORDER BY id",
        "SELECT id, test_id, stepname, event_time FROM test_steps ORDER BY id",
        "SELECT id, category, value FROM test_data ORDER BY id",
        "SELECT id, event_time FROM runs ORDER BY id",
        "SELECT type, name, sql FROM sqlite_master ORDER BY name",
    ):
        assert rows(copy.path / "megatest.db", query) == rows(copy.area.live, query)


def test_lines_and_times_of_logs_stay(copy: Copy) -> None:
    before = copy.area.linktree / "ubuntu/nfs/w01/compile/final.log"
    after = copy.path / "lt/ubuntu/nfs/w01/compile/final.log"
    assert after.read_bytes().count(b"\n") == before.read_bytes().count(b"\n")
    assert after.stat().st_mtime_ns == before.stat().st_mtime_ns


def test_what_is_no_text_is_left_out_and_named(copy: Copy) -> None:
    assert {Path(path).name for path, _ in copy.done.left_out} == {"core.xz"}


def test_the_site_of_the_copy_builds_and_fails_as_the_area_does(copy: Copy, tmp_path: Path) -> None:
    shared = TestArea("shared", copy.path, ("sysname", "fsname"), copy.path / "lt", copy.path)
    twins = []
    for name, area in (("a", copy.area), ("b", shared)):
        (tmp_path / name).mkdir()
        site = make_site(tmp_path / name, area)
        assert site.build().problems == []
        key = RunKey(area.name, ("ubuntu", "nfs"), "w01")
        twins.append(json.loads((site.tree / urls.run_twin(key)).read_bytes()))
    before, after = twins
    assert before["counts"] == after["counts"]
    assert [_shape(one) for one in before["tests"]] == [_shape(one) for one in after["tests"]]


def _shape(told: Mapping[str, object]) -> object:
    logs = told["logs"]
    assert isinstance(logs, list)
    return told["testname"], told["verdict"], [(one["lines"], one["finding_count"]) for one in logs]


def test_the_same_key_gives_the_same_copy(copy: Copy, tmp_path: Path) -> None:
    anonymize_area(copy.area.path, tmp_path / "again", KEY, Wishes(), quiet)
    first, again = all_bytes(copy.path), all_bytes(tmp_path / "again")
    assert first == again


def test_further_words_and_words_that_stay(copy: Copy, tmp_path: Path) -> None:
    wishes = Wishes(words=["compile"], keep=[USER])
    done = anonymize_area(copy.area.path, tmp_path / "out", KEY, wishes, quiet)
    assert USER in done.spared
    names = {name for (name,) in rows(tmp_path / "out/megatest.db", "SELECT testname FROM tests")}
    assert not any("compile" in str(name) for name in names)


# -- what is refused


def test_a_word_that_is_left_takes_the_copy_away(
    copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(path: Path, target: Path, *rest: object) -> None:
        copy_file(path, target, *rest)
        if target.name == "more.log.gz":
            target.write_bytes(path.read_bytes())

    copy_file = anonymize.copy_file
    monkeypatch.setattr(anonymize, "copy_file", careless)
    with pytest.raises(VerificationError, match=f"more.log.gz: .*{USER}|{HOST}"):
        anonymize_area(copy.area.path, tmp_path / "out", KEY, Wishes(), quiet)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("where", ["", "inside", "../.."])
def test_source_and_copy_must_not_lie_in_each_other(copy: Copy, where: str) -> None:
    with pytest.raises(UsageError, match="lie in each other"):
        anonymize_area(copy.area.path, copy.area.path / where, KEY, Wishes(), quiet)


def test_a_place_that_is_not_empty_is_left_alone(copy: Copy, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        anonymize_area(copy.area.path, tmp_path, KEY, Wishes(), quiet)
    assert (tmp_path / "mine").read_text() == "x"


def copy_to_small_disks(area: TestArea, disk: Path) -> None:
    """On each there is room for more than on the one before: the copy breaks at another place."""
    for pages in (2, 12, 40, 80):
        place = disk / str(pages)
        place.mkdir()
        own_disk(place, pages * 4096)
        for target in (place, place / "new"):
            invocation = Invocation(report=TerminalReport(io.StringIO()))
            code = cli.run(["anonymize", str(area.path), str(target)], invocation)
            assert (code, list(place.iterdir())) == (12, []), (pages, target)


@pytest.mark.faults
def test_nothing_is_left_on_a_disk_that_is_really_full(tmp_path: Path) -> None:
    if not may_have_own_disk():
        pytest.skip("not applicable: nobody may mount here")
    tests = [test(f"t{number}", log=LOG * 3000) for number in range(3)]
    area = make_area(tmp_path / "area", runs=[run("u/v", "w1", tests)])
    disk = tmp_path / "disk"
    disk.mkdir()
    assert ended(in_child(lambda: told(lambda: copy_to_small_disks(area, disk)))) == 0


def test_a_full_disk_leaves_nothing(
    copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, target: Path, *_: object) -> None:
        if path.is_dir():
            target.mkdir(exist_ok=True)
            return
        target.write_text("a part")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    monkeypatch.setattr(anonymize, "copy_file", full)
    (tmp_path / "out").mkdir()
    with pytest.raises(DestinationError, match="no room"):
        anonymize_area(copy.area.path, tmp_path / "out", KEY, Wishes(), quiet)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o640)
    with pytest.raises(UsageError, match="can be read by others"):
        read_key(key)
    key.chmod(0o600)
    assert read_key(key) == KEY
    key.write_bytes(b"short")
    with pytest.raises(UsageError, match="shorter than 16 bytes"):
        read_key(key)
    with pytest.raises(UsageError, match="No such file"):
        read_key(tmp_path / "nothing")


def test_without_a_key_file_nobody_can_make_the_pseudonyms_again() -> None:
    assert read_key(None) != read_key(None)


def test_a_link_out_of_the_area_is_not_followed(tmp_path: Path) -> None:
    area = make_area(tmp_path / "src", runs=[run("u/v", "w1", [test("t", log="x\n")])])
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "other.log").write_text("of another area")
    (area.path / "out").symlink_to(tmp_path / "secret")
    (area.linktree / "file.log").symlink_to(tmp_path / "secret" / "other.log")
    anonymize_area(area.path, tmp_path / "out", KEY, Wishes(), quiet)
    assert not [p for p, c in all_bytes(tmp_path / "out").items() if b"another area" in c]


def test_a_link_that_leads_to_itself_is_passed_over(tmp_path: Path) -> None:
    area = make_area(tmp_path / "src", runs=[run("u/v", "w1", [test("t", log="x\n")])])
    (area.path / "loop").symlink_to("loop")
    assert anonymize_area(area.path, tmp_path / "out", KEY, Wishes(), quiet).files


def test_versions_that_look_like_an_address_are_no_leak(tmp_path: Path) -> None:
    log = "listens on 5.5.5.5:80, version 15.5.5.5rc2, 2.5.5.5.5, _5.5.5.5_\n"
    area = make_area(tmp_path / "src", runs=[run("u/v", "w1", [test("t", log=log)])])
    done = anonymize_area(area.path, tmp_path / "out", KEY, Wishes(), quiet)
    text = (tmp_path / "out/lt/u/v/w1/t/final.log").read_text()
    assert done.originals
    assert "15.5.5.5rc2" in text
    assert "on 5.5.5.5" not in text


def test_packed_files_that_break_off_are_left_out_and_named(tmp_path: Path) -> None:
    random = os.urandom(60_000).hex().encode()
    broken = {
        "broken.gz": gzip.compress(random)[:-3000],
        "odd.gz": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\xff" * 300,
    }
    area = make_area(tmp_path / "src", runs=[run("u/v", "w1", [test("t", files=broken)])])
    done = anonymize_area(area.path, tmp_path / "out", KEY, Wishes(), quiet)
    assert sorted(Path(path).name for path, _why in done.left_out) == sorted(broken)
    assert not set(broken) & {path.name for path in (tmp_path / "out").rglob("*")}


def test_of_two_files_whose_names_become_one_the_second_is_named(tmp_path: Path) -> None:
    files = {f"{USER}.log": b"small\n", f"{USER.upper()}.log": b"CAPITALS\n"}
    runs = [run("u/v", "w1", [test("t", files=files)], owner=USER)]
    area = make_area(tmp_path / "src", runs=runs)
    done = anonymize_area(area.path, tmp_path / "out", KEY, Wishes(), quiet)
    assert [Path(path).name for path, _why in done.left_out] == [f"{USER}.log"]
    (copied,) = (tmp_path / "out").rglob("user-*.log")
    assert copied.read_bytes() == b"CAPITALS\n"


def test_text_in_a_column_of_numbers_is_replaced_too(tmp_path: Path) -> None:
    area = make_area(tmp_path / "src", runs=[run("u/v", "w1", [test("t")])])
    with closing(connect(area.database)) as connection, connection:
        connection.execute("UPDATE tests SET attemptnum = 'ask zoe@firm.org'")
    anonymize_area(area.path, tmp_path / "out", KEY, Wishes(), quiet)
    assert not [p for p, c in all_bytes(tmp_path / "out").items() if b"firm.org" in c]


# -- the plan and the command


def test_names_that_are_blobs_are_replaced_everywhere(tmp_path: Path) -> None:
    area = make_area(tmp_path / "area", runs=[run("u/v", "w1", [test("a", log="by bjorklund\n")])])
    with closing(connect(area.database)) as connection, connection:
        connection.execute("UPDATE runs SET owner = CAST('bjorklund' AS BLOB)")
    anonymize_area(area.path, tmp_path / "out", KEY, Wishes(), quiet)
    assert b"bjorklund" not in all_bytes(tmp_path / "out")
    ((owner, kind),) = rows(tmp_path / "out/megatest.db", "SELECT owner, typeof(owner) FROM runs")
    assert (owner[:5], kind) == (b"user-", "blob")


def test_texts_that_are_no_utf8_come_along(tmp_path: Path) -> None:
    tests = [test(f"t{number}") for number in range(3)]
    area = make_area(tmp_path / "area", runs=[run("u/v", "w1", tests)])
    with closing(connect(area.database)) as connection, connection:
        connection.execute(
            "UPDATE tests SET comment = CAST(x'ff20626a6f726b' AS TEXT) WHERE testname = 't1'"
        )
    anonymize_area(area.path, tmp_path / "out", KEY, Wishes(words=["bjork"]), quiet)
    query = "SELECT testname, substr(hex(comment), 1, 8) FROM tests ORDER BY 1"
    assert rows(tmp_path / "out/megatest.db", query)[1] == ("t1", "FF20776F")
    assert len(rows(tmp_path / "out/megatest.db", query)) == 3


def test_the_plan_names_every_column_with_its_rule(copy: Copy) -> None:
    rules = {
        (one.table, one.column): one.rule for one in plan_copy(copy.area.path, Wishes()).columns
    }
    assert rules["tests", "host"] == "host"
    assert rules["runs", "owner"] == "user"
    assert rules["tests", "state"] == "keep"
    assert rules["metadat", "val"] == "text"


def test_an_area_of_the_site_may_be_named(
    copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = called(["anonymize", "mine", "--plan"], capsys)
    assert (missing.code, "no area of that name" in missing.err) == (10, True)
    Path("mtsite.toml").write_text(f"[areas.mine]\npath = {json.dumps(str(copy.area.path))}\n")
    assert called(["anonymize", "mine", "--plan"], capsys).code == 0


def test_the_command_keeps_its_schema_and_its_key_to_itself(
    copy: Copy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    source, schema = str(copy.area.path), (ROOT / "docs/schemas/anonymize-1.json").read_bytes()
    judge = Draft202012Validator(json.loads(schema))
    planned = called(["anonymize", source, "--plan", "--json"], capsys)
    made = called(
        ["anonymize", source, str(tmp_path / "out"), "--key-file", str(key), "--json"], capsys
    )
    assert (planned.code, made.code) == (0, 0)
    for call in (planned, made):
        assert list(judge.iter_errors(json.loads(call.out))) == []
        assert KEY.decode() not in call.out
    assert called(["anonymize", source], capsys).code == 2
    inside = copy.area.path / "key"
    inside.write_bytes(KEY)
    inside.chmod(0o600)
    again = ["anonymize", source, str(tmp_path / "b"), "--key-file", str(inside)]
    assert called(again, capsys).code == 2
    inside.unlink()
