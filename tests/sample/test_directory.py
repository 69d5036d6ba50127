import pytest

from mtsite.errors import UsageError
from mtsite.sample.directory import MARKER, prepare_directory


def test_a_new_directory_is_made_and_marked(tmp_path):
    assert prepare_directory(tmp_path / "a" / "demo") is False
    assert (tmp_path / "a" / "demo" / MARKER).is_file()


def test_an_empty_directory_will_do(tmp_path):
    assert prepare_directory(tmp_path) is False


def test_a_directory_with_something_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        prepare_directory(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "demo").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        prepare_directory(tmp_path / "demo")


def test_an_earlier_demo_goes_and_what_was_added_by_hand_stays(tmp_path):
    prepare_directory(tmp_path)
    (tmp_path / "site" / "a").mkdir(parents=True)
    (tmp_path / "mtsite.toml").write_text("x")
    (tmp_path / "my-notes.txt").write_text("x")
    assert prepare_directory(tmp_path) is True
    assert sorted(path.name for path in tmp_path.iterdir()) == [MARKER, "my-notes.txt"]


def test_what_a_link_points_at_is_not_touched(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    root = tmp_path / "demo"
    prepare_directory(root)
    (root / "site").symlink_to(kept)
    prepare_directory(root)
    assert (kept / "file").exists()
    assert not (root / "site").is_symlink()
