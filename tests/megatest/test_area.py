"""An area directory as it is found: name, keys, linktree, databases."""

import os
import pwd
import shutil
from dataclasses import replace
from pathlib import Path

import areas
import pytest

from mtsite.config import AreaConfig
from mtsite.errors import AreaUnreadableError, ConfigError, MissingError
from mtsite.megatest.area import Area, open_area


def opened(area: areas.TestArea, tmp: Path | None = None, **environ: str) -> Area:
    return open_area(area.settings, environ, tmp=tmp or Path("/nonexistent"))


def test_a_plain_area_is_found_whole(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, fields=("sysname", "fsname", "datapath"))
    area = opened(built)
    assert area.name == area.testsuite == "fullrun"
    assert area.fields == ("sysname", "fsname", "datapath")
    assert area.linktree == built.linktree
    assert area.disks == (built.disk,)
    assert area.databases == (built.database,)
    assert area.allow_runs
    assert area.problems == ()


def test_completed_runs_come_after_the_live_database(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    built.make_completed()
    assert opened(built).databases == (built.database, built.completed)


def test_reading_an_area_adds_no_file(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, runs=[areas.run("a/b", "w1", [areas.test("t")])])
    before = sorted(tmp_path.rglob("*"))
    opened(built)
    assert sorted(tmp_path.rglob("*")) == before


def test_keys_come_in_the_order_of_their_ids(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, fields=("b", "a"))
    built.execute("DELETE FROM keys")
    built.execute("INSERT INTO keys VALUES (1, 'b', 'TEXT'), (0, 'a', 'TEXT')")
    area = opened(built)
    assert area.fields == ("a", "b")
    assert any("[fields] says b/a" in problem for problem in area.problems)


@pytest.mark.parametrize(
    ("directory", "config", "environ", "name"),
    [
        ("v1.65", "", {}, "v1"),
        (".hidden", "", {}, ".hidden"),
        ("plain", "", {"MT_TESTSUITE_NAME": "from_env"}, "from_env"),
        ("plain", "[setup]\ntestsuite second\n", {"MT_TESTSUITE_NAME": "from_env"}, "second"),
        ("plain", "[setup]\ntestsuite second\narea-name first\n", {}, "first"),
    ],
)
def test_the_testsuite_name_follows_megatests_rule(
    tmp_path: Path, directory: str, config: str, environ: dict[str, str], name: str
) -> None:
    built = areas.make_area(tmp_path, directory, config=config)
    assert opened(built, **environ).testsuite == name


def test_a_name_that_a_command_computes_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, config="[setup]\narea-name #{shell echo secret}\n")
    with pytest.raises(ConfigError, match="area-name") as caught:
        opened(built)
    assert "run_configured_commands" in caught.value.hint
    settings = AreaConfig(name="fullrun", path=built.path, testsuite="given")
    assert open_area(settings, {}).testsuite == "given"


def test_the_linktree_of_the_site_wins_over_environment_and_config(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    assert opened(built, MT_LINKTREE="/env").linktree == Path("/env")
    settings = AreaConfig(name="fullrun", path=built.path, linktree=tmp_path / "site")
    assert open_area(settings, {"MT_LINKTREE": "/env"}).linktree == tmp_path / "site"


def test_a_relative_linktree_begins_at_the_area(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, config="[setup]\nlinktree ../links\n")
    assert opened(built).linktree == built.path.parent / "links"


def test_a_linktree_that_a_command_computes_falls_back_to_lt(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, config="[setup]\nlinktree #{shell pwd}\n")
    area = opened(built)
    assert area.linktree == built.path / "lt"
    assert any("linktree is computed by a command (shell)" in problem for problem in area.problems)


def test_the_line_that_stands_in_for_a_value_is_said_and_works(tmp_path: Path) -> None:
    config = "[misc]\nhome #{shell pwd}\n[setup]\nlinktree #{get misc home}/links\n"
    built = areas.make_area(tmp_path, config=config)
    (problem,) = opened(built).problems
    assert problem.endswith('add values.setup.linktree = "…" below [areas.fullrun] in mtsite.toml')
    assert f"{built.path}/megatest.config:15: [setup] linktree is computed by" in problem
    settings = replace(built.settings, values={"setup": {"linktree": "/given"}})
    assert open_area(settings, {"MT_LINKTREE": "/env"}).linktree == Path("/given")


def test_a_value_that_is_given_is_seen_by_later_lines(tmp_path: Path) -> None:
    config = "[misc]\nhome #{shell pwd}\n  more\n[setup]\nlinktree #{get misc home}/links\n"
    built = areas.make_area(tmp_path, config=config)
    settings = replace(built.settings, values={"misc": {"home": "/h", "other": "x"}})
    area = open_area(settings, {})
    assert area.linktree == Path("/h/links")
    assert area.config.sections["misc"] == {"home": "/h", "other": "x"}
    assert area.config.given == {("misc", "home"), ("misc", "other")}
    assert area.problems == ()


@pytest.mark.parametrize("root", ["/", "//", "/tmp/.."])
def test_the_root_directory_is_no_linktree(tmp_path: Path, root: str) -> None:
    built = areas.make_area(tmp_path, config=f"[setup]\nlinktree {root}\n[disks]\nall {root}\n")
    area = opened(built)
    assert area.linktree is None
    assert area.disks == (built.disk,)
    assert any("root directory" in problem for problem in area.problems)


@pytest.mark.parametrize(("value", "allowed"), [("no", False), ("No", False), ("yes", True)])
def test_allow_runs_is_read(tmp_path: Path, value: str, allowed: bool) -> None:
    built = areas.make_area(tmp_path, config=f"[setup]\nallow-runs {value}\n")
    assert opened(built).allow_runs is allowed


def test_the_homehost_comes_from_the_config_or_its_file(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    (built.path / ".homehost").write_text("10.0.0.7\nmore\n")
    assert opened(built).homehost == "10.0.0.7"
    with (built.path / "megatest.config").open("a") as file:
        file.write("[server]\nhomehost 10.0.0.8\n")
    assert opened(built).homehost == "10.0.0.8"


def test_a_homehost_that_is_a_pipe_does_not_block(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    os.mkfifo(built.path / ".homehost")
    assert opened(built).homehost == ""


def make_cache(built: areas.TestArea, tmp: Path, age: int) -> Path:
    """The owner's cache of the area, `age` seconds older than the area's database."""
    user = pwd.getpwuid(built.path.stat().st_uid).pw_name
    place = tmp / user / "megatest_localdb" / "fullrun" / str(built.path).replace("/", ".")
    place.mkdir(parents=True)
    shutil.copy(built.database, place / "megatest.db")
    own = built.database.stat().st_mtime
    os.utime(place / "megatest.db", (own - age, own - age))
    return place / "megatest.db"


def test_a_newer_cache_on_this_host_is_read_instead(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    cache = make_cache(built, tmp_path / "cache", age=-5)
    assert opened(built, tmp_path / "cache").databases == (cache,)


def test_an_older_cache_is_not_read(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    make_cache(built, tmp_path / "cache", age=5)
    assert opened(built, tmp_path / "cache").databases == (built.database,)


def test_a_cache_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    cache = make_cache(built, tmp_path / "cache", age=-5)
    cache.rename(tmp_path / "elsewhere.db")
    cache.symlink_to(tmp_path / "elsewhere.db")
    assert opened(built, tmp_path / "cache").databases == (built.database,)


@pytest.mark.skipif(os.geteuid() != 0, reason="not applicable: only root can give a file away")
def test_a_cache_of_somebody_else_is_not_read(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    cache = make_cache(built, tmp_path / "cache", age=-5)
    os.chown(cache, 12345, -1)
    assert opened(built, tmp_path / "cache").databases == (built.database,)


def test_a_missing_directory_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="nowhere") as caught:
        open_area(AreaConfig(name="a", path=tmp_path / "nowhere"), {})
    assert caught.value.hint


@pytest.mark.parametrize("lost", ["megatest.config", "megatest.db"])
def test_a_directory_without_its_files_is_no_area(tmp_path: Path, lost: str) -> None:
    built = areas.make_area(tmp_path)
    (built.path / lost).unlink()
    with pytest.raises(AreaUnreadableError, match=lost):
        opened(built)


def test_keys_without_their_column_are_said(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path)
    built.execute("INSERT INTO keys (fieldname) VALUES ('datapath')")
    with pytest.raises(AreaUnreadableError, match="datapath"):
        opened(built)
