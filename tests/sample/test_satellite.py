import json
import sqlite3
from contextlib import closing

import pytest

from mtsite import notes
from mtsite.config import load_config
from mtsite.megatest.digest import digest_run
from mtsite.megatest.merge import list_areas
from mtsite.megatest.shape import read_shapes
from mtsite.megatest.transfer import Store, read_run
from mtsite.sample.areas import make_samples

NOW = 1_795_327_200


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return make_samples(tmp_path_factory.mktemp("small"), seed=1, now=NOW, days=6)


@pytest.fixture(scope="module")
def listings(site, tmp_path_factory):
    areas = load_config(site.config, {}).areas.values()
    return {one.name: one for one in list_areas(areas, {}, tmp=tmp_path_factory.mktemp("tmp"))}


def test_all_areas_are_read_without_a_complaint(listings):
    assert list(listings) == ["chipyard", "webstack", "chipyard_archive"]
    assert all(not one.problems and not one.error for one in listings.values())


def test_a_moved_run_lies_in_the_satellite_under_its_birth_name(listings):
    heads = listings["chipyard_archive"].heads
    assert heads
    assert {head.key.area for head in heads} == {"chipyard"}
    assert {head.home for head in heads} == {"chipyard_archive"}


def test_a_moved_run_is_listed_once(listings):
    keys = [head.key for one in listings.values() for head in one.heads]
    assert len(keys) == len(set(keys))


def test_the_satellite_lets_nothing_run(listings):
    assert listings["chipyard"].area.allow_runs
    assert not listings["chipyard_archive"].area.allow_runs


def test_a_notes_digest_and_counts_are_those_of_its_rows(site):
    path = site.areas["chipyard_archive"] / "megatest.db"
    with closing(sqlite3.connect(path)) as connection:
        shapes = read_shapes(connection)
        for note in notes.read(connection):
            rows = read_run(Store(path, connection, shapes), shapes, note.run_id)
            columns = json.loads(note.layout)["columns"]
            assert digest_run(rows, shapes, columns) == note.digest
            assert rows.counts == note.counts


def test_no_rowid_stands_in_both_databases(site):
    for table in ("tests", "test_steps", "test_data"):
        ids = []
        for area in ("chipyard", "chipyard_archive"):
            with closing(sqlite3.connect(site.areas[area] / "megatest.db")) as connection:
                ids.append({row[0] for row in connection.execute(f"SELECT id FROM {table}")})
        assert ids[0] and ids[1]
        assert not ids[0] & ids[1]
