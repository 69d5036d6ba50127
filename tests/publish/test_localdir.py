import errno
from pathlib import Path

import pytest

from mtsite.config import PublishConfig
from mtsite.errors import BusyError, DestinationError
from mtsite.publish.destination import ABSENT
from mtsite.publish.headers import headers_for
from mtsite.publish.localdir import LocalDir

HEADERS = headers_for("index.html")


@pytest.fixture
def place(tmp_path: Path) -> LocalDir:
    return LocalDir(str(tmp_path / "www"), PublishConfig())


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/x", "a//x", "./x", "", "a/", "a\0b", ".."]
)
def test_a_path_that_leaves_the_directory_is_refused(place: LocalDir, path: str) -> None:
    with pytest.raises(DestinationError):
        place.put(path, b"x", HEADERS)
    with pytest.raises(DestinationError):
        place.delete([path])
    assert not place.root.exists() or not list(place.root.iterdir())


def test_a_symbolic_link_to_elsewhere_is_not_followed(place: LocalDir, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place.root.mkdir()
    (place.root / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DestinationError, match="would lie outside"):
        place.put("a/x", b"x", HEADERS)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_symbolic_link_in_place_of_a_file_is_replaced(place: LocalDir, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"kept")
    place.root.mkdir()
    (place.root / "x").symlink_to(tmp_path / "secret")
    place.put("x", b"new", HEADERS)
    assert (tmp_path / "secret").read_bytes() == b"kept"
    assert (place.root / "x").read_bytes() == b"new"


def test_deleting_leaves_no_empty_directories(place: LocalDir) -> None:
    place.put("a/b/x", b"x", HEADERS)
    place.put("a/y", b"x", HEADERS)
    place.delete(["a/b/x"])
    assert sorted(path.name for path in (place.root / "a").iterdir()) == ["y"]
    place.put("a/b/x", b"x", HEADERS)
    assert (place.root / "a/b/x").exists()


def test_a_file_address_is_a_directory(tmp_path: Path) -> None:
    place = LocalDir(f"file://{tmp_path}/a%20b", PublishConfig())
    place.put("x", b"x", HEADERS)
    assert (tmp_path / "a b" / "x").read_bytes() == b"x"


def test_only_site_files_are_left_and_listed(place: LocalDir) -> None:
    place.put("x", b"x", HEADERS, only_if=ABSENT)
    (place.root / ".tmp-1-1").write_bytes(b"left behind by a kill")
    assert [stored.path for stored in place.list()] == ["x"]


@pytest.mark.parametrize(
    ("number", "told", "hint"),
    [
        (errno.ENOSPC, "no space left", "free some space"),
        (errno.EACCES, "permission denied", "user who publishes"),
        (errno.EROFS, "read-only", "writable"),
    ],
)
def test_trouble_says_what_to_do(
    place: LocalDir, monkeypatch: pytest.MonkeyPatch, number: int, told: str, hint: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "told by the system")

    monkeypatch.setattr("mtsite.atomicfile.write", refuse)
    with pytest.raises(DestinationError, match=told) as refused:
        place.put("a/x", b"x", HEADERS)
    assert "a/x" in refused.value.message
    assert hint in refused.value.hint


def test_a_file_where_a_directory_is_needed_is_named(place: LocalDir) -> None:
    place.put("a", b"x", HEADERS)
    with pytest.raises(DestinationError, match="a/x"):
        place.put("a/x", b"x", HEADERS)


def test_a_living_writer_of_the_root_is_waited_for_then_named(
    place: LocalDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mtsite import lock

    monkeypatch.setattr("mtsite.publish.localdir._LOCK_SECONDS", 0.05)
    with (
        lock.hold(place.root, ".mtsite-root", "mtsite publish"),
        pytest.raises(BusyError, match="locked by `mtsite publish`"),
    ):
        place.put("x", b"x", HEADERS, only_if=ABSENT)


def test_a_directory_in_place_of_a_file_is_told_and_not_left_open(
    place: LocalDir, tmp_path: Path
) -> None:
    (tmp_path / "www/a.html").mkdir(parents=True)
    before = [*Path("/proc/self/fd").iterdir()]
    with pytest.raises(DestinationError, match=r"a\.html"):
        place.get("a.html")
    assert len([*Path("/proc/self/fd").iterdir()]) == len(before)
