"""Move notes: stored and read back exactly, and able to gain columns."""

import sqlite3

import pytest

from mtsite import notes
from mtsite.errors import VerificationError
from mtsite.notes import Note

NOTE = Note(
    run_id=7,
    birth_area="fullrun",
    birth_target=("ubuntu", "nfs/x", ""),
    birth_runname="w01 'quoted'",
    birth_run_id=3,
    event_time=1_700_000_000,
    source="/proj/fullrun/megatest.db",
    counts={"tests": 2, "runs": 1},
    digest="ab" * 32,
    who="matt",
    host="h1",
    started=1_700_000_100,
    old_state="new",
    old_status=None,
    old_comment="",
)


@pytest.fixture
def archive():
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def test_a_database_without_the_table_has_no_notes(archive):
    assert notes.read(archive) == []


def test_a_note_comes_back_as_it_was_stored(archive):
    notes.create(archive)
    number = notes.add(archive, NOTE)
    (found,) = notes.read(archive)
    assert found.id == number
    assert found == Note(**{**_values(NOTE), "id": number})


def test_names_that_are_not_utf8_come_back_byte_for_byte(archive):
    notes.create(archive)
    odd = "r\udcff\x00n"
    notes.add(archive, Note(**{**_values(NOTE), "birth_runname": odd, "birth_target": (odd,)}))
    (found,) = notes.read(archive)
    assert (found.birth_runname, found.birth_target) == (odd, (odd,))


def test_creating_twice_changes_nothing(archive):
    notes.create(archive)
    notes.add(archive, NOTE)
    before = archive.execute("SELECT sql FROM sqlite_master").fetchall()
    notes.create(archive)
    assert archive.execute("SELECT sql FROM sqlite_master").fetchall() == before
    assert len(notes.read(archive)) == 1


def test_an_older_table_gains_the_columns_it_lacks(archive):
    archive.execute(
        "CREATE TABLE mtsite_moves (id INTEGER PRIMARY KEY, run_id INTEGER, birth_area TEXT,"
        " birth_target TEXT, birth_runname TEXT, birth_run_id INTEGER)"
    )
    archive.execute("INSERT INTO mtsite_moves VALUES (1, 5, 'a', '[\"t\"]', 'r', 5)")
    assert notes.read(archive)[0].birth_runname == "r"
    notes.create(archive)
    assert notes.read(archive)[0].state == notes.COPIED


def test_a_column_from_the_future_is_left_alone(archive):
    notes.create(archive)
    archive.execute("ALTER TABLE mtsite_moves ADD COLUMN later TEXT DEFAULT 'x'")
    notes.add(archive, NOTE)
    assert notes.read(archive)[0].who == "matt"


def stored(archive):
    notes.create(archive)
    notes.add(archive, NOTE)
    return notes.read(archive)[0]


def test_a_note_goes_through_its_states(archive):
    note = stored(archive)
    assert notes.advance(archive, note, notes.LETTING_GO)
    (note,) = notes.read(archive)
    assert (note.state, note.finished) == (notes.LETTING_GO, None)
    assert notes.advance(archive, note, notes.SETTLED, finished=99)
    (note,) = notes.read(archive)
    assert (note.state, note.finished) == (notes.SETTLED, 99)


def test_an_unknown_state_is_an_error(archive):
    with pytest.raises(ValueError):
        notes.advance(archive, stored(archive), "gone")


def test_a_note_that_somebody_else_moved_on_is_left_alone(archive):
    note = stored(archive)
    notes.advance(archive, note, notes.VERIFIED)
    assert not notes.advance(archive, note, notes.SETTLED)
    assert not notes.remove(archive, note)
    assert notes.read(archive)[0].state == notes.VERIFIED


def test_the_notes_of_an_attached_database_are_not_ours(archive, tmp_path):
    stored(archive)
    archive.commit()
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("ATTACH ? AS archive", (archive.execute("PRAGMA database_list").fetchone()[2],))
    assert notes.read(other) == []
    other.close()


def test_a_note_that_is_not_ours_is_named(archive):
    notes.create(archive)
    notes.add(archive, NOTE)
    archive.execute("UPDATE mtsite_moves SET birth_target = 'no json'")
    with pytest.raises(VerificationError, match="note 1"):
        notes.read(archive)


def _values(note: Note) -> dict[str, object]:
    return {name: getattr(note, name) for name in Note.__struct_fields__}
