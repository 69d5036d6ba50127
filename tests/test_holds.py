"""Holds: read from the user's file, edited as text, and over when their last day is."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.errors import ConfigError
from mtsite.holds import Hold, Holds, add_hold, load_holds, remove_holds
from mtsite.model import RunKey

W01 = RunKey("fullrun", ("ubuntu", "nfs"), "w01")
RUN = "fullrun/ubuntu/nfs/w01"
NOON = 1_800_000_000  # 2027-01-15 08:00 UTC
DAY = 86_400


def test_without_a_file_nothing_is_held(tmp_path: Path) -> None:
    assert load_holds(tmp_path).of(W01, NOON) is None


def test_a_held_run_is_found_with_its_reason(tmp_path: Path) -> None:
    add_hold(tmp_path, Hold(RUN, "release 1.66", "matt"))
    found = load_holds(tmp_path).of(W01, NOON)
    assert found == Hold(RUN, "release 1.66", "matt")


def test_another_run_is_not_held(tmp_path: Path) -> None:
    add_hold(tmp_path, Hold(RUN, "release 1.66"))
    assert load_holds(tmp_path).of(RunKey("fullrun", ("ubuntu", "nfs"), "w02"), NOON) is None


def test_a_name_may_be_written_plain_or_as_in_the_address() -> None:
    key = RunKey("fullrun", ("ubuntu 24",), "w01")
    for written in ("fullrun/ubuntu 24/w01", "fullrun/ubuntu~2024/w01"):
        assert Holds((Hold(written, "x"),)).of(key, NOON)


def test_a_hold_lasts_to_the_end_of_its_last_day_everywhere() -> None:
    holds = Holds((Hold(RUN, "x", until=date(2027, 1, 15)),))
    west_midnight = 1_800_057_600 + DAY // 2  # 2027-01-16 00:00 in UTC-12
    assert holds.of(W01, west_midnight - 1)
    assert holds.of(W01, west_midnight) is None


def test_expired_holds_are_told() -> None:
    old, other = Hold(RUN, "x", until=date(2020, 1, 1)), Hold(RUN, "y")
    assert Holds((old, other)).expired(NOON) == (old,)


def test_the_longest_of_several_holds_counts() -> None:
    short, long = Hold(RUN, "short", until=date(2027, 2, 1)), Hold(RUN, "long")
    assert Holds((long, short)).of(W01, NOON) == long


def test_every_mistake_of_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "holds.toml").write_text(
        '[[hold]]\nrun = "a/b"\n[[hold]]\nrun = "a/c"\nwhy = "x"\nuntil = "soon"\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_holds(tmp_path)
    first, second = caught.value.mistakes
    assert "holds.toml:1" in first
    assert "why" in first
    assert "holds.toml:6" in second
    assert "date" in second


def test_a_file_that_is_no_toml_lets_nothing_go(tmp_path: Path) -> None:
    (tmp_path / "holds.toml").write_text("[[hold\n")
    with pytest.raises(ConfigError):
        load_holds(tmp_path)


def test_comments_and_order_of_the_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "holds.toml"
    path.write_text(
        '# ours\n[[hold]]\nrun = "a/x"  # the first\nwhy = "1"\n\n# about y\n[[hold]]\n'
        'run = "a/y"\nwhy = "2"\n'
    )
    add_hold(tmp_path, Hold("a/z", "3"))
    remove_holds(tmp_path, "a/x")
    assert path.read_text() == (
        '# ours\n# about y\n[[hold]]\nrun = "a/y"\nwhy = "2"\n\n[[hold]]\nrun = "a/z"\nwhy = "3"\n'
    )


def test_an_equal_hold_is_written_once(tmp_path: Path) -> None:
    add_hold(tmp_path, Hold(RUN, "x"))
    assert len(add_hold(tmp_path, Hold(RUN, "x")).holds) == 1


def test_tables_on_one_line_are_left_to_their_author(tmp_path: Path) -> None:
    path = tmp_path / "holds.toml"
    text = 'hold = [{ run = "a/x", why = "1" }, { run = "a/y", why = "2" }]\n'
    path.write_text(text)
    with pytest.raises(ConfigError, match="by hand"):
        raise_hint(lambda: remove_holds(tmp_path, "a/x"))
    assert path.read_text() == text


def raise_hint(call: object) -> None:
    """The hint is part of what a user reads."""
    try:
        call()  # type: ignore[operator] # a plain function
    except ConfigError as error:
        raise ConfigError([error.message, error.hint]) from error


words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(
    lambda text: text.strip("/") == text
)
some_holds = st.lists(
    st.builds(Hold, words, words, st.just("") | words, st.none() | st.dates()), max_size=5
)


@given(some_holds, st.integers(0, 5))
def test_what_is_added_and_removed_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, holds: list[Hold], which: int
) -> None:
    root = tmp_path_factory.mktemp("site")
    expected: list[Hold] = []
    for one in holds:
        add_hold(root, one)
        expected += [one] if one not in expected else []
    assert list(load_holds(root).holds) == expected
    if holds:
        gone = holds[which % len(holds)].run
        remove_holds(root, gone)
        assert list(load_holds(root).holds) == [one for one in expected if one.run != gone]
