"""Logs and records brought back from a destination, and what is refused on the way."""

import gzip
import hashlib
import random
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from areas import make_area, run
from areas import test as row
from msgspec import structs
from publishing import small_site

from mtsite import cli
from mtsite.config import Config, PublishConfig, config_for_areas
from mtsite.errors import DestinationError, PartlyDoneError
from mtsite.invocation import Invocation
from mtsite.manifest import Manifest, Page
from mtsite.model import LogRecord, RunKey, RunRecord, TestRecord
from mtsite.publish.destination import ABSENT, open_destination
from mtsite.publish.headers import headers_for
from mtsite.publish.restore import fetch_kept, recover, refuse_unfetched
from mtsite.publish.shards import ROOT, Line, Root, encode_root, encode_shard
from mtsite.publish.upload import publish_site
from mtsite.record import encode

NOW = 1_795_140_840
RECORD = "_record/a/t/w00/_run.json"
KEPT = RunRecord(RunKey("a", ("t",), "w00"), ("k",), {("t", ""): TestRecord("t", "", "P")})


def silent(*_: object) -> None:
    """A report that nobody reads."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A site with two logs and a record, published to a directory."""
    plain = config_for_areas([], tmp_path / "site", tmp_path / ".mtsite")
    config = replace(plain, publish=PublishConfig(destination=str(tmp_path / "www")))
    files = {**small_site(2), RECORD: encode(KEPT)}
    pages = []
    for path, content in files.items():
        file = tmp_path / "site" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        pages.append(Page(path, hashlib.sha256(content).hexdigest(), len(content), "", "x"))
    with Manifest.open(config.state_dir) as manifest:
        manifest.note_pages(pages)
        manifest.commit()
    publish_site(config, now=NOW)
    return config


def files(config: Config) -> dict[str, bytes]:
    tree = config.site.output
    return {p.relative_to(tree).as_posix(): p.read_bytes() for p in tree.rglob("*") if p.is_file()}


def publish_lines(config: Config, *lines: Line) -> None:
    """Make the destination's manifest say exactly this."""
    ref, packed = encode_shard(sorted(lines), 1)
    destination = open_destination(config.publish.destination, config.publish)
    destination.delete([ROOT])
    destination.put(ref.path, packed, headers_for(ref.path))
    root = encode_root(Root(1, (), (ref,)))
    destination.put(ROOT, root, headers_for(ROOT), only_if=ABSENT)


def test_logs_and_records_come_back_and_nothing_else(config: Config) -> None:
    before = files(config)
    shutil.rmtree(config.site.output)
    done = fetch_kept(config, report=silent)
    kept = {path: c for path, c in before.items() if path.startswith(("_blobs/", "_record/"))}
    assert files(config) == kept
    assert (done.records, done.blobs, done.bytes) == (1, 2, sum(map(len, kept.values())))


def test_what_is_there_is_not_fetched_again(config: Config) -> None:
    assert fetch_kept(config, report=silent).blobs == 0
    (config.site.output / RECORD).write_bytes(b"newer")
    blob = next((config.site.output / "_blobs").glob("*/*"))
    blob.write_bytes(b"cut short")
    done = fetch_kept(config, report=silent)
    assert (done.records, done.blobs) == (0, 1)
    assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.stem


@pytest.mark.parametrize(
    "path",
    [
        "_record/../../evil/_run.json",
        "_record//etc/_run.json",
        "_record/.ssh/_run.json",
        "_record/a/evil.sh",
        "_record/a\n/_run.json",
        "_blobs/../index.html",
        "_blobs/ab/x.txt",
        f"_blobs/00/{'1' * 64}.txt",
        f"_blobs/{'1' * 2}/{'1' * 64}.txt/../../x",
        f"_blobs/{'1' * 2}/{'1' * 64}.txt",
        f"_record/{'a/' * 600}_run.json",
    ],
)
def test_a_path_that_no_site_has_is_refused_and_nothing_is_written(
    config: Config, path: str
) -> None:
    digest = hashlib.sha256(b"evil").hexdigest()
    publish_lines(config, Line(path, digest, 4))
    before = sorted(config.site.output.parent.rglob("*"))
    with pytest.raises(DestinationError, match="no log and no record"):
        fetch_kept(config, report=silent)
    assert sorted(config.site.output.parent.rglob("*")) == before


def damage(path: Path) -> None:
    path.write_bytes(b"\x1f\x8b broken")


@pytest.mark.parametrize("harm", [damage, Path.unlink])
def test_a_damaged_object_is_named_and_the_others_come(
    config: Config, harm: Callable[[Path], None]
) -> None:
    shutil.rmtree(config.site.output)
    blob = min((Path(config.publish.destination) / "_blobs").glob("*/*"))
    harm(blob)
    done = fetch_kept(config, report=silent)
    assert (done.records, done.blobs) == (1, 1)
    assert [blob.name in problem for problem in done.problems] == [True]
    assert not list(config.site.output.rglob(blob.name))


def with_log(blob: str) -> RunRecord:
    logs = (LogRecord("a.log", "final", blob),)
    return structs.replace(KEPT, tests={("t", ""): TestRecord("t", "", "P", logs=logs)})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"of": "w00"}', "not a record"),
        (b"[" * 100_000, "not a record"),
        (encode(KEPT).replace(b'"t","","P"', b'"t","",5'), "values are of another kind"),
        (encode(structs.replace(KEPT, key=RunKey("a", ("t",), "w01"))), "record of another run"),
        (encode(with_log("../../secret")), "no log of a site"),
        (encode(with_log("_blobs/../../secret.txt")), "no log of a site"),
    ],
)
def test_a_record_that_no_build_wrote_is_named_and_stays_there(
    config: Config, content: bytes, told: str
) -> None:
    shutil.rmtree(config.site.output)
    digest = hashlib.sha256(content).hexdigest()
    (Path(config.publish.destination) / RECORD).write_bytes(content)
    publish_lines(config, Line(RECORD, digest, len(content)))
    done = fetch_kept(config, report=silent)
    assert (done.records, [told in problem for problem in done.problems]) == (0, [True])
    assert not (config.site.output / RECORD).exists()


def test_a_packed_bomb_is_not_unpacked(config: Config) -> None:
    content = b"\0" * 50_000_000
    digest = hashlib.sha256(content).hexdigest()
    path = f"_blobs/{digest[:2]}/{digest}.txt"
    publish_lines(config, Line(path, digest, 10))
    stored = Path(config.publish.destination) / path
    stored.parent.mkdir(exist_ok=True)
    stored.write_bytes(gzip.compress(content))
    assert fetch_kept(config, report=silent).problems
    assert not (config.site.output / path).exists()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_large_log_is_never_held_in_memory(
    config: Config, pack: Callable[[bytes], bytes]
) -> None:
    content = random.Random(1).randbytes(100_000) * 400
    digest = hashlib.sha256(content).hexdigest()
    path = f"_blobs/{digest[:2]}/{digest}.txt"
    publish_lines(config, Line(path, digest, len(content)))
    stored = Path(config.publish.destination) / path
    stored.parent.mkdir(exist_ok=True)
    stored.write_bytes(pack(content))
    tracemalloc.start()
    try:
        assert fetch_kept(config, report=silent).problems == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000 < len(content)
    assert (config.site.output / path).read_bytes() == content


def test_nothing_published_is_nothing_to_fetch(config: Config) -> None:
    elsewhere = replace(config.publish, destination=f"{config.publish.destination}2")
    shutil.rmtree(config.site.output)
    assert recover(replace(config, publish=elsewhere), silent, silent) == []
    refuse_unfetched(replace(config, publish=elsewhere))


def test_with_state_and_tree_in_place_the_destination_is_not_asked(config: Config) -> None:
    said: list[str] = []
    shutil.rmtree(config.publish.destination)
    Path(config.publish.destination).write_text("no directory any more")
    assert recover(config, silent, said.append) == []
    assert said == []


def test_a_destination_that_does_not_answer_keeps_publish_back_until_it_does(
    config: Config,
) -> None:
    before = files(config)
    www = Path(config.publish.destination)
    shutil.rmtree(config.site.output)
    www.rename(www.with_name("away"))
    assert len(recover(config, silent, silent)) == 1
    (config.site.output / RECORD).parent.mkdir(parents=True)
    (config.site.output / RECORD).write_bytes(b"built without its logs")
    (config.site.output / "index.html").write_bytes(b"built")
    with pytest.raises(PartlyDoneError, match="would lose them"):
        publish_site(config, now=NOW)
    www.with_name("away").rename(www)
    assert recover(config, silent, silent) == []
    assert files(config)[RECORD] == before[RECORD]
    refuse_unfetched(config)
    with Manifest.open(config.state_dir) as manifest:
        assert manifest.get("site") == ""


def test_a_build_that_could_not_fetch_goes_on_and_exits_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "www").write_text("no directory")
    settings = tmp_path / "mtsite.toml"
    area = make_area(tmp_path, runs=[run("ubuntu/nfs", "w01", tests=[row("good", log="fine\n")])])
    settings.write_text(
        f'[areas.fullrun]\npath = "{area.path}"\n[build]\nengine = "inprocess"\n'
        '[publish]\ndestination = "www"\n'
    )
    call = ["--config", str(settings)]
    assert cli.run([*call, "build"], Invocation()) == 3
    assert "what was published is not known" in capsys.readouterr().err
    assert (tmp_path / "site" / "index.html").exists()
    assert cli.run([*call, "publish"], Invocation()) == 3
    assert "mtsite build" in capsys.readouterr().err
