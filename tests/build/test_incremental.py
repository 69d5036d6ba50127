"""The law of incremental builds: after any history, the tree equals a clean one, byte for byte."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, step, test
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sites import TestSite, build_elsewhere, difference, files_of, make_site

NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A history takes seconds to replay: the events are short enough to be read as they come."""

STATUSES = ("PASS", "FAIL", "WARN", "ABORT", "SKIP")
TARGETS = ("ubuntu/nfs", "suse/zfs")


class History:
    """Two areas, two targets, and everything that can happen to them."""

    def __init__(self, root: Path, runs: int = 32) -> None:
        self.areas = [make_area(root, name, fields=("sysname", "fsname")) for name in ("a", "b")]
        self.runs: list[tuple[TestArea, str, str]] = []
        self.started = 0
        for number in range(runs):
            self.add(self.areas[number % 2], TARGETS[number // 2 % 2], number)
        (root / "home").mkdir()
        self.site = make_site(root / "home", *self.areas)
        self.edits = 0
        self.completed: set[str] = set()

    def add(self, area: TestArea, target: str, seed: int, *, late: int = 0) -> None:
        """One more run; `late`: it says that it started so many days before the first."""
        self.started += 1
        name = f"r{self.started:03d}"
        when = BASE - late * DAY if late else BASE + self.started * DAY
        log = f"line one\nERROR: broken by {name}\n" if seed % 3 == 0 else "all fine\n"
        tests = [
            test("compile", status=STATUSES[seed % 5], log=log, host=f"h{seed % 4}"),
            test("regress", items=["fast", "slow/big"], steps=[step("simulate", log="go\n")]),
            test("extra" if seed % 4 else "rare", status=STATUSES[seed // 2 % 2]),
        ]
        area.add_run(run(target, name, tests, event_time=when))
        self.runs.append((area, target, name))

    def change_status(self, seed: int) -> None:
        area, _, name = self.runs[seed % len(self.runs)]
        area.change_status(name, "compile", STATUSES[seed // 7 % 5])

    def add_step(self, seed: int) -> None:
        area, _, name = self.runs[seed % len(self.runs)]
        self.edits += 1
        area.add_step(name, "compile", step(f"more{self.edits}", log=f"more {self.edits}\n"))

    def delete_run(self, seed: int) -> None:
        if len(self.runs) > 12:
            area, target, name = self.runs.pop(seed % len(self.runs))
            area.delete_run(name, target) if seed % 2 else area.drop_run(name, target)

    def reduce_run(self, seed: int) -> None:
        area, target, name = self.runs.pop(seed % len(self.runs))
        if area.name not in self.completed:
            area.make_completed()
            self.completed.add(area.name)
        area.copy_run(name, area.completed, target=target)
        area.drop_run(name, target)

    def lose_logs(self, seed: int) -> None:
        area, target, name = self.runs[seed % len(self.runs)]
        shutil.rmtree(area.disk / target / name, ignore_errors=True)

    def grow_log(self, seed: int) -> None:
        area, _, name = self.runs[-1 - seed % 2]
        log = area.rundir(name, "compile") / "final.log"
        if log.exists():
            log.write_text(log.read_text() + "one line more\n")

    def edit_template(self, seed: int) -> None:
        self.edits += 1
        kind = ("test.html", "run.html", "target.html")[seed % 3]
        own = self.site.root / "templates"
        own.mkdir(exist_ok=True)
        block = f"{{% block main %}}{{{{ super() }}}}<p>edit {self.edits}</p>{{% endblock %}}"
        text = f'{{% extends "mtsite/{kind}" %}}{block}'
        (own / kind).write_text(text)

    def edit_config(self, seed: int) -> None:
        self.site.title = f"Nightly {seed % 10}"
        self.site.write_config({area.name: area.path for area in self.areas})

    def move_to_host(self, seed: int) -> None:
        area, _, name = self.runs[seed % len(self.runs)]
        host = f"h{seed % 6}"
        area.execute(
            "UPDATE tests SET host = ? WHERE id = ?", (host, area.test_id(name, "compile"))
        )

    def lose_state(self, seed: int) -> None:
        shutil.rmtree(self.site.state)


EVENTS: dict[str, Callable[[History, int], None]] = {
    "new run": lambda h, n: h.add(h.areas[n % 2], TARGETS[n // 2 % 2], n),
    "late run": lambda h, n: h.add(h.areas[n % 2], TARGETS[n // 2 % 2], n, late=1 + n % 40),
    "changed status": History.change_status,
    "added step": History.add_step,
    "deleted run": History.delete_run,
    "reduced run": History.reduce_run,
    "vanished logs": History.lose_logs,
    "grown log": History.grow_log,
    "edited template": History.edit_template,
    "edited config": History.edit_config,
    "other host": History.move_to_host,
    "lost .mtsite": History.lose_state,
}


@pytest.mark.slow
@settings(max_examples=12, phases=NO_SHRINK)
@given(st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 999)), max_size=6))
def test_incremental_tree_equals_clean_tree(events: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        history = History(root)
        history.site.build()
        for name, seed in events:
            EVENTS[name](history, seed)
            history.site.build(allow_drop=True)
        clean = clean_elsewhere(history.site, root / "clean")
        assert difference(history.site.tree, clean) == []


def test_every_event_keeps_the_law(tmp_path: Path) -> None:
    history = History(tmp_path, 16)
    history.site.build()
    for number, name in enumerate(EVENTS):
        EVENTS[name](history, 17 * number + 5)
        history.site.build(allow_drop=True)
        clean = history.site.build_clean(tmp_path / f"clean{number}")
        assert difference(history.site.tree, clean) == [], name


def test_a_second_build_writes_nothing(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.site.build()
    before = stamps(history.site.tree)
    summary = history.site.build()
    assert (summary.written, summary.removed, summary.rendered) == (0, 0, 0)
    assert stamps(history.site.tree) == before


def stamps(tree: Path) -> dict[str, int]:
    return {path: (tree / path).stat().st_mtime_ns for path in files_of(tree)}


def clean_elsewhere(site: TestSite, directory: Path) -> Path:
    """A clean build of the same input in another process, zone and hash seed."""
    directory.mkdir()
    for kept in ("_record", "_blobs"):
        shutil.copytree(site.tree / kept, directory / "site" / kept)
    build_elsewhere(
        site.root / "mtsite.toml",
        directory / "site",
        directory / "state",
        TZ="Asia/Kathmandu",
        PYTHONHASHSEED="4711",
        LC_ALL="C",
    )
    return directory / "site"


def test_targets_whose_runs_began_in_one_second_keep_the_law(tmp_path: Path) -> None:
    area = make_area(tmp_path, "a")
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    for target in ("u/c", "u/a", "u/b"):
        area.add_run(run(target, "w1", [test("t")], event_time=1_700_000_000))
        site.build()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_another_dead_after_reaches_sealed_runs(tmp_path: Path) -> None:
    area = make_area(tmp_path, "a", runs=[run("u/v", "w1", [test("t", state="RUNNING")])])
    area.runs_made = 20
    area.add_run(run("u/v", "w2", [test("t")]))
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    site.build()
    site.write_config({"a": area.path}, '[reduce]\ndead_after = "30d"\n')
    site.build()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
