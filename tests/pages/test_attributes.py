"""Attributes of a run: shown with links, long ones cut, secrets masked by their names, too."""

from pathlib import Path

import pytest
from areas import make_area, run, test
from browser import records
from msgspec.structs import replace
from sites import make_site
from storage import connect

from mtsite.build.masked import masked_run
from mtsite.logs.redact import make_redactor
from mtsite.pages import attributes

PATH = "a/b/r/index.html"


@pytest.fixture(scope="module")
def night() -> records.Night:
    return records.Night()


def test_only_web_addresses_become_links(night: records.Night) -> None:
    told = (("a", "https://x.example/1"), ("b", "javascript:alert(1)"), ("c", "x" * 999))
    shown = attributes.of_run(replace(night.run, attributes=told), PATH)
    assert shown["attributes"] == (
        ("a", "https://x.example/1", "https://x.example/1"),
        ("b", "javascript:alert(1)", ""),
        ("c", "x" * attributes.LONGEST + "…", ""),
    )


def test_thousands_of_attributes_don_t_make_a_page_large(night: records.Night) -> None:
    told = tuple((f"property {n}", "value " * 20) for n in range(5000))
    shown = attributes.of_run(replace(night.run, attributes=told), PATH)
    assert shown["attributes_total"] == 5000
    assert 20 < int(str(shown["attributes_shown"])) < 200


def test_a_name_tells_that_its_value_is_a_secret(night: records.Night) -> None:
    told = (("DB_PASSWORD", "hunter2trombone"), ("os.name", "Linux=3"), ("a=b", "c"))
    clean, counts = masked_run(replace(night.run, attributes=told), make_redactor(["default"]))
    assert "hunter2trombone" not in str(clean.attributes)
    assert clean.attributes[0][0] == "DB_PASSWORD"
    assert clean.attributes[1:] == told[1:]
    assert sum(counts.values()) >= 1


def test_attributes_of_a_run_stand_on_its_page_and_in_its_json(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=[run("ubuntu/nfs", "w01", [test("t")])])
    with connect(area.database) as connection:
        connection.execute("INSERT INTO extradat (run_id, key, val) VALUES (1, 'revision', '<7>')")
        connection.execute("INSERT INTO extradat (run_id, key, val) VALUES (1, 'mtsite.x', 'own')")
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    site.build()
    at = site.tree / area.name / "ubuntu/nfs/w01"
    assert "&lt;7&gt;" in (at / "index.html").read_text("utf-8")
    twin = (at / "index.json").read_text("utf-8")
    assert '"name": "revision"' in twin.replace('"name":"revision"', '"name": "revision"')
    assert "mtsite.x" not in twin
    with connect(area.database) as connection:
        connection.execute("UPDATE extradat SET val = '<8>' WHERE key = 'revision'")
    assert site.build().read == 1
    assert "&lt;8&gt;" in (at / "index.html").read_text("utf-8")
    assert site.build().written == 0
