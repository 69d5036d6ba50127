"""Every mistake of `mtsite.toml` is told at once, with line and key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mtsite.config import Config, load_config
from mtsite.errors import ConfigError
from mtsite.ownrules import LogRule

Load = Callable[..., Config]


def test_all_mistakes_are_reported_at_once_by_line(mistakes: Callable[..., list[str]]) -> None:
    found = mistakes(
        """[site]
titel = "x"
timezone = "Mars/Olympus"
output = 3
[areas.a]
pth = "/tmp"
[areas."b c"]
path = "/tmp"
reduce = "yes"
[nights]
at = 3
[build]
settle = "30"
workers = 0
log_cap = "256MB"
engine = "threads"
[publish]
destination = "ftp://x"
endpoint_url = "localhost:8333"
[retain]
logs = 30
[redact]
rules = "default"
[schedule]
nightly = "24:00"
""",
        {"MTSITE_BUILD_WORKERZ": "1", "MTSITE_RETAIN_ROWS": "never"},
    )
    places = [each.split(": ")[:2] for each in found]
    assert places == [
        ["mtsite.toml:2", "site.titel"],
        ["mtsite.toml:3", "site.timezone"],
        ["mtsite.toml:4", "site.output"],
        ["mtsite.toml:5", "areas.a.path"],
        ["mtsite.toml:6", "areas.a.pth"],
        ["mtsite.toml:9", 'areas."b c".reduce'],
        ["mtsite.toml:10", "nights"],
        ["mtsite.toml:13", "build.settle"],
        ["mtsite.toml:14", "build.workers"],
        ["mtsite.toml:15", "build.log_cap"],
        ["mtsite.toml:16", "build.engine"],
        ["mtsite.toml:18", "publish.destination"],
        ["mtsite.toml:19", "publish.endpoint_url"],
        ["mtsite.toml:21", "retain.logs"],
        ["mtsite.toml:23", "redact.rules"],
        ["mtsite.toml:25", "schedule.nightly"],
        ["environment MTSITE_BUILD_WORKERZ", 'there is no such setting; did you mean "workers"?'],
        ["environment MTSITE_RETAIN_ROWS", "retain.rows"],
    ]
    assert found[0].endswith('did you mean "title"?')
    assert found[3].endswith("is missing: The directory that holds megatest.config.")


@pytest.mark.parametrize(
    "text",
    [
        '[publish]\nsecret_access_key = "hunter2"',
        '[aws]\nregion = "x"\naccess_key = "hunter2"',
        '[areas.a]\npath = "x"\npassword = "hunter2"',
        'github_token = "hunter2"',
        '[[account]]\napi-key = "hunter2"',
        '[publish]\ncredentials = { user = "u", pw = "hunter2" }',
        '[publish]\ndestination = "s3://key:hunter2@bucket/x"',
        '[publish]\nendpoint_url = "https://me:hunter2@host/"',
    ],
)
def test_a_secret_is_refused_and_not_repeated(
    text: str, mistakes: Callable[..., list[str]]
) -> None:
    found = mistakes(text)
    if "credentials =" not in text:
        assert "credentials come from boto3's own chain" in found[0]
    assert "hunter2" not in "".join(found)


def test_a_secret_in_a_variable_is_refused(mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes("", {"MTSITE_PUBLISH_SECRET_KEY": "hunter2"})
    assert "boto3's own chain" in found and "hunter2" not in found


def test_an_area_or_prefix_may_be_called_like_a_secret(load: Load) -> None:
    config = load('[areas.token_ring]\npath = "x"\npath_map = { "/net/secret/" = "/x/" }')
    assert list(config.areas) == ["token_ring"]


def test_two_areas_of_one_name(mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes('[areas.a]\npath = "x"\n[areas.a]\npath = "y"\n')
    assert found.startswith("mtsite.toml:3: not TOML: Cannot declare")


def test_two_areas_of_one_path(mistakes: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "link").symlink_to("x")
    (found,) = mistakes('[areas.a]\npath = "x"\n[areas.b]\npath = "link/."\n')
    assert found == "mtsite.toml:4: areas.b.path: is the directory of area a too"


@pytest.mark.parametrize("alias", ["a", "old", "b"])
def test_an_alias_is_no_other_areas_name(alias: str, mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes(
        f'[areas.a]\npath = "x"\naliases = ["old"]\n[areas.b]\npath = "y"\naliases = ["{alias}"]\n'
    )
    assert found == f'mtsite.toml:6: areas.b.aliases: "{alias}" is an area\'s name already'


@pytest.mark.parametrize("output", [".", "x"])
def test_the_output_never_holds_an_area(output: str, mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes(f'[site]\noutput = "{output}"\n[areas.a]\npath = "x"\n')
    assert found.startswith("mtsite.toml:2: site.output: would hold area a itself")


def test_a_site_may_lie_in_an_area(load: Load) -> None:
    assert load('[site]\noutput = "site"\n[areas.a]\npath = "."\n').areas


def test_a_site_is_not_published_onto_itself(mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes('[publish]\ndestination = "./site"\n')
    assert found.startswith("mtsite.toml:2: publish.destination: is the directory of [site] output")


def test_logs_may_not_outlive_pages(mistakes: Callable[..., list[str]], load: Load) -> None:
    (found,) = mistakes('[retain]\nlogs = "30d"\npages = "10d"\n')
    assert found.startswith("mtsite.toml:1: retain: logs may not outlive pages")
    assert load('[retain]\nlogs = "30d"\npages = "30d"\n').retain.rows is None


@pytest.mark.parametrize(
    ("regex", "told"),
    [("(", "missing )"), ("(?=x)", "RE2"), ("x*", "matches even empty text"), ("\\\\1", "RE2")],
)
def test_own_rules_are_tried(regex: str, told: str, mistakes: Callable[..., list[str]]) -> None:
    (found,) = mistakes(
        f'[[redact.own]]\nname = "ok"\nregex = "x"\n[[redact.own]]\nname = "n"\nregex = "{regex}"'
    )
    assert found.startswith("mtsite.toml:6: redact.own[1].regex: ") and told in found


def test_rules_for_logs_are_read_with_their_levels(load: Load) -> None:
    config = load(
        "[[logs.rule]]\nname = 'licence'\nregex = 'no licen[cs]e for (\\w+)'\nlevel = 'critical'\n"
        "title = 'No licence'\nlink = 'https://bugs.example/find?q={1}'\n"
        "[[logs.rule]]\nname = 'known'\nregex = 'chatter'\nlevel = 'ignore'\n"
        "[logs.theirs]\nx = 1\n"
    )
    first, second = config.logs.rules
    link = "https://bugs.example/find?q={1}"
    assert first == LogRule("licence", r"no licen[cs]e for (\w+)", "critical", "No licence", link)
    assert (second.name, second.level) == ("known", "ignore")
    assert config.logs.settings == {"theirs": {"x": 1}}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("name", "'A b'", "a name is 1 to 40 of"),
        ("regex", "'('", "no regular expression in RE2's syntax"),
        ("regex", "'(?=x)'", "no regular expression in RE2's syntax"),
        ("regex", "'x*'", "matches even empty text"),
        ("regex", "7", "expected text"),
        ("level", "'fatal'", '"fatal" is none of critical, error, warning, ignore'),
        ("link", "'javascript:alert(1)'", "expected http://HOST/"),
        ("link", "'https://{0}.example/'", "expected http://HOST/"),
        ("link", "'https://u:p@host/'", "holds a name or password"),
        ("link", "'https://host/{2}'", "has {2}, but regex has 0 groups"),
        ("link", "'https://host/{x}'", "expected http://HOST/"),
        ("colour", "'red'", "there is no such key"),
    ],
)
def test_mistakes_in_rules_for_logs_are_told_with_line_and_key(
    key: str, value: str, told: str, mistakes: Callable[..., list[str]]
) -> None:
    given = {"name": "'a'", "regex": "'x'", key: value}
    lines = "\n".join(f"{name} = {text}" for name, text in given.items())
    (found,) = mistakes("[[logs.rule]]\nname = 'b'\nregex = 'y'\n[[logs.rule]]\n" + lines)
    line = 5 + list(given).index(key)
    assert found.startswith(f"mtsite.toml:{line}: logs.rule[1].{key}: {told}")


def test_rules_for_logs_have_names_of_their_own(mistakes: Callable[..., list[str]]) -> None:
    rule = "[[logs.rule]]\nname = 'n'\nregex = 'x'\n"
    assert mistakes(rule + rule) == ['mtsite.toml:5: logs.rule[1].name: there is another rule "n"']


def test_rules_without_a_name_are_not_two_of_one_name(
    mistakes: Callable[..., list[str]],
) -> None:
    told = mistakes("[[logs.rule]]\nregex = 'x'\n" * 2)
    assert len(told) == 2 and all("name: is missing" in one for one in told)


def test_own_rules_have_names_of_their_own(mistakes: Callable[..., list[str]]) -> None:
    rule = '[[redact.own]]\nname = "n"\nregex = "x"\n'
    assert mistakes(rule + rule) == ['mtsite.toml:5: redact.own[1].name: there is another rule "n"']


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("site = 3", "mtsite.toml:1: site: expected a table, as [site]"),
        ("[areas]\na = 'x'", "mtsite.toml:2: areas.a: expected a table, as [areas.a]"),
        ("[redact]\nown = 1", "mtsite.toml:2: redact.own: expected tables, as [[redact.own]]"),
        (
            "[redact]\nown = [1]",
            "mtsite.toml:2: redact.own[0]: expected a table, as [redact.own[0]]",
        ),
        ("[areas.'']\npath = 'x'", 'mtsite.toml:1: areas."": an area\'s name is'),
        ("[site]\ntitle = 'x\n", "mtsite.toml:2: not TOML: "),
        ("[site\n", "mtsite.toml:1: not TOML: "),
        ("x = " + "[" * 100_000, "mtsite.toml:1: not TOML: "),
        ("x = " + "9" * 5000, "mtsite.toml:1: not TOML: "),
        (b"[site]\ntitle = '\xff'", "mtsite.toml:2: this line is not UTF-8"),
        ("[site]\noutput = 'a\0b'", "mtsite.toml:2: not TOML: "),
        ('[site]\noutput = "a\\u0000b"', "mtsite.toml:2: site.output: expected a path"),
        ('[site]\noutput = "~nobody-at-all/x"', "mtsite.toml:2: site.output: "),
        ("[site]\nbase_url = 'http://[::1'", "mtsite.toml:2: site.base_url: "),
        ("[build]\nworkers = true", "mtsite.toml:2: build.workers: expected a whole number"),
        ("[build]\nworkers = 2024-01-01", "mtsite.toml:2: build.workers: expected a whole number"),
    ],
)
def test_odd_files(text: str | bytes, told: str, mistakes: Callable[..., list[str]]) -> None:
    assert mistakes(text)[0].startswith(told)


@pytest.mark.parametrize("wrong", ["s3:/bucket/prefix", "s3:bucket", "http://host/x", "s3://"])
def test_a_destination_that_is_neither_bucket_nor_directory_is_refused(
    wrong: str, mistakes: Callable[..., list[str]]
) -> None:
    (told,) = mistakes(f"[publish]\ndestination = '{wrong}'")
    assert "s3://" in told


def test_a_file_that_cant_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: Is a directory") as caught:
        load_config(tmp_path, {})
    assert caught.value.hint == f"name the file: {tmp_path / 'mtsite.toml'}"
    (tmp_path / "mtsite.toml").write_text("[site\n")
    with pytest.raises(ConfigError, match=":1: not TOML") as caught:
        load_config(tmp_path / "mtsite.toml", {})
    assert "correct that line" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "none.toml", {})
    assert "mtsite init" in caught.value.hint
