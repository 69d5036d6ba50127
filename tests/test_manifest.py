"""The state of a site: who may read it while it is written, and in which order runs come."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from mtsite import urls
from mtsite.manifest import FILE, KnownRun, Manifest, Page
from mtsite.model import RunKey, RunSummary, State, Status


def known(target: str, runname: str) -> tuple[KnownRun, RunSummary]:
    key = RunKey("a", (target,), runname)
    summary = RunSummary(key, 5, None, "", "", "", State("new"), Status(""), {}, "P", home="a")
    return KnownRun(urls.run_dir(key), key, "a", 5, "f", True, "i"), summary


def test_workers_read_while_many_pages_wait_to_be_committed(tmp_path: Path) -> None:
    with Manifest.open(tmp_path) as manifest:
        manifest.note_pages(
            Page(f"a/u/{n:06d}/index.html", "d" * 64, 5, "f" * 32, "target:a/u")
            for n in range(20_000)
        )
        with closing(sqlite3.connect(tmp_path / FILE, timeout=0)) as worker:
            assert worker.execute("SELECT count(*) FROM tree").fetchone() == (0,)


@pytest.mark.parametrize("turn", [1, -1])
def test_runs_of_one_second_are_listed_alike_however_they_came(tmp_path: Path, turn: int) -> None:
    runs = [known(target, name) for target in "vu" for name in ("a b", "a", "z", "é")]
    with Manifest.open(tmp_path) as manifest:
        for one, summary in runs[::turn]:
            elsewhere = replace(one, key=replace(one.key, area="b"), dir=f"b{one.dir}")
            manifest.note_run(one, summary, {})
            manifest.note_run(elsewhere, summary, {})
        found = manifest.summaries("a", [("u",), ("v",)])
        held = manifest.moved_in("a", limit=4)
        order = [name for _, name, _ in manifest.target_runs("a", ("u",))]
    assert [s.key.runname for s in found[::2]] == order[::-1] == ["é", "z", "a b", "a"]
    assert [s.key.target for s in found] == [("v",), ("u",)] * 4
    assert [(s.key.target[0], s.key.runname) for s in held][:2] == [("v", "z"), ("u", "z")]
