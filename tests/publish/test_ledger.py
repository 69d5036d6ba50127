import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtsite.publish.generation import next_generation
from mtsite.publish.ledger import UNKNOWN, Ledger, Published, ledger_file
from mtsite.publish.plan import TreeFile, plan_upload
from mtsite.publish.shards import Line, Root, ShardRef, decode_shard, encode_shard

A, B = "a" * 64, "b" * 64


def write(
    ledger: Ledger, store: dict[ShardRef, bytes], files: dict[str, str], now: int = 5
) -> Root:
    """One generation in which the tree holds these files, as a publish would make it."""
    tree = [TreeFile(path, digest, 1) for path, digest in sorted(files.items())]
    plan = plan_upload(tree, list(ledger.published()), ledger.sent(), due_before=now - 10)
    generation = next_generation(ledger, plan, now)
    store.update((shard.ref, shard.packed) for shard in generation.shards)
    ledger.absorb(generation.root, f"tag{generation.root.generation}", generation.lines_of)
    ledger.set_base((file.path, file.digest) for file in (*plan.uploads, *plan.adopted))
    ledger.set_base((path, "") for path in plan.dropped)
    ledger.note_deleted([row.path for row in plan.due])
    ledger.commit()
    return generation.root


def live(ledger: Ledger) -> dict[str, str]:
    return {row.path: row.digest for row in ledger.published() if row.digest}


def test_a_new_ledger_knows_nothing(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "x" / "ledger.db") as ledger:
        assert ledger.root() == (Root(), "")
        assert list(ledger.published()) == []


def test_what_was_committed_is_there_again(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        write(ledger, {}, {"x": A})
        ledger.note_sent([("y", B)])
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert live(ledger) == {"x": A}
        assert ledger.sent() == {"y": B}
        assert ledger.root()[1] == "tag1"


def test_a_dry_run_forgets_everything(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db", keep=False) as ledger:
        write(ledger, {}, {"x": A})
        assert live(ledger) == {"x": A}
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert live(ledger) == {}


@pytest.mark.parametrize("damage", [b"", b"no database", b"SQLite format 3\0" + bytes(84)])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "ledger.db").write_bytes(damage)
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert ledger.root() == (Root(), "")


def test_a_full_disk_costs_nothing_of_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        ledger.note_sent([("x", A)])
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    def fails(_: Path) -> sqlite3.Connection:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr("mtsite.publish.ledger._connect", fails)
        with pytest.raises(sqlite3.OperationalError), Ledger.open(tmp_path / "ledger.db"):
            pass
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert ledger.sent() == {"x": A}


def test_a_put_that_was_begun_is_unknown_until_it_is_done(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        ledger.begin(["x", "y"])
        ledger.note_sent([("x", A)])
        assert ledger.sent() == {"x": A, "y": UNKNOWN}


def test_another_publishers_line_takes_back_what_we_sent(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        ledger.note_sent([("x", A)])
        ledger.note_sent([("y", A)])
        ref, packed = encode_shard([Line("x", B, 1)], 1)
        ledger.absorb(Root(1, (), (ref,)), "tag", lambda ref: decode_shard(ref, packed))
        assert ledger.sent() == {"y": A}


def test_only_new_shards_are_asked_for(tmp_path: Path) -> None:
    store: dict[ShardRef, bytes] = {}
    asked: list[ShardRef] = []

    def lines_of(ref: ShardRef) -> Iterable[Line]:
        asked.append(ref)
        return decode_shard(ref, store[ref])

    with Ledger.open(tmp_path / "one.db") as one, Ledger.open(tmp_path / "two.db") as two:
        files = {f"f{n}": A for n in range(100)}
        two.absorb(write(one, store, files), "1", lines_of)
        assert len(asked) == 1
        two.absorb(write(one, store, files | {"x": B}), "2", lines_of)
        assert len(asked) == 2
        assert live(two) == live(one)


def test_a_dropped_path_is_a_line_with_its_time(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        write(ledger, {}, {"x": A, "y": A})
        write(ledger, {}, {"y": A}, now=77)
        assert Published("x", "", 77, "") in list(ledger.published())


def test_forgetting_keeps_the_file_usable(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        write(ledger, {}, {"x": A})
        ledger.forget()
        assert ledger.root() == (Root(), "")
        write(ledger, {}, {"y": A})
        assert live(ledger) == {"y": A}


def test_each_server_and_bucket_has_its_own_ledger(tmp_path: Path) -> None:
    names = {
        ledger_file(tmp_path, url, endpoint).name
        for url in ("s3://one", "s3://two")
        for endpoint in ("", "http://a:1")
    }
    assert len(names) == 4
    assert all(name.startswith("published-") and len(name) == 25 for name in names)


TREES = st.lists(
    st.dictionaries(st.integers(0, 60).map(lambda n: f"p/{n}"), st.sampled_from([A, B])),
    min_size=1,
    max_size=14,
)


@given(trees=TREES)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shards_laid_over_each_other_equal_the_tree(
    tmp_path_factory: pytest.TempPathFactory, trees: list[dict[str, str]]
) -> None:
    """A publisher who writes, one who follows, and one who comes new all see the last tree."""
    directory = tmp_path_factory.mktemp("ledgers")
    store: dict[ShardRef, bytes] = {}
    lines_of = lambda ref: decode_shard(ref, store[ref])  # noqa: E731
    with Ledger.open(directory / "w.db") as writer, Ledger.open(directory / "f.db") as follower:
        root = Root()
        for number, tree in enumerate(trees):
            root = write(writer, store, tree, now=5 + 7 * number)
            if number % 3 == 0:
                follower.absorb(root, str(number), lines_of)
        follower.absorb(root, "last", lines_of)
        with Ledger.open(directory / "n.db") as newcomer:
            newcomer.absorb(root, "last", lines_of)
            assert live(newcomer) == live(follower) == live(writer) == trees[-1]
            since = {row.path: row.since for row in newcomer.published() if not row.digest}
            assert since == {r.path: r.since for r in follower.published() if not r.digest}
        assert len(root.shards) <= 8
