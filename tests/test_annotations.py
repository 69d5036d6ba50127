"""Rule files for known failures: read whole, mistakes said with file and line, hostile or not."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mtsite.annotations import Annotation, load_annotations
from mtsite.build.issues import Judge
from mtsite.model import RunKey, RunRecord, TestRecord

KEY = RunKey("chips", ("ubuntu", "nfs"), "w1")


def written(root: Path, text: str, name: str = "a.toml") -> Path:
    (root / "annotations").mkdir(exist_ok=True)
    (root / "annotations" / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('title = "t"\ntest = "a"\nlink = "javascript:alert(1)"', "a.toml:4: known[0].link"),
        ('title = "t"\ntest = "a"\nlink = "https://u:p@h/"', "password"),
        ('title = "t"\npattern = "(?=x)"', "a.toml:3: known[0].pattern: no regular expression"),
        ('title = "t"\npattern = "x*"', "matches even empty text"),
        ('title = "t"', "a.toml:1: known[0]: says of no failure which"),
        ('test = "a"', "known[0].title: is missing"),
        ('title = " "\ntest = "a"', "known[0].title: is empty"),
        ('title = "t"\ntest = "a"\nuntil = "soon"', "expected a date"),
        ('title = "t"\ntest = "a"\npatern = "x"', 'did you mean "pattern"?'),
        ("title = ", "a.toml:2: not TOML"),
    ],
)
def test_a_mistake_is_said_with_file_and_line(tmp_path: Path, text: str, told: str) -> None:
    found = load_annotations(written(tmp_path, f"[[known]]\n{text}\n"))
    assert found.rules == ()
    (mistake,) = found.mistakes
    assert told in mistake


def test_rules_of_all_files_are_used_each_once(tmp_path: Path) -> None:
    written(tmp_path, '[[known]]\ntitle = "t"\ntest = "a"\n')
    written(
        tmp_path,
        '[[known]]\ntitle = "t"\ntest = "a"\n\n[[known]]\ntitle = "u"\ntest = "a"\n',
        "b.toml",
    )
    written(tmp_path, "no rule at all", "notes.txt")
    found = load_annotations(tmp_path)
    assert [(one.title, one.place) for one in found.rules] == [
        ("t", "annotations/a.toml:1"),
        ("u", "annotations/b.toml:5"),
    ]
    assert "b.toml:1: stands in annotations/a.toml:1 already" in found.mistakes[0]


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    written(tmp_path, "")
    (tmp_path / "annotations/dir.toml").mkdir()
    (mistake,) = load_annotations(tmp_path).mistakes
    assert mistake.startswith("annotations/dir.toml: no file")


@pytest.mark.parametrize(
    ("when", "over"), [(1_700_089_199, False), (1_700_089_200, True), (None, False), (-5, False)]
)
def test_the_last_day_ends_at_midnight_of_the_site(when: int | None, over: bool) -> None:
    rule = Annotation("t", test="a", until=date(2023, 11, 15))
    assert rule.is_over(when, ZoneInfo("Europe/Berlin")) is over


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Annotation("t", test="uart_%"), True),
        (Annotation("t", test="uart_%/corner=ss"), True),
        (Annotation("t", test="uart_%/corner=ff,other"), False),
        (Annotation("t", test="other,uart_tx/%"), True),
        (Annotation("t", pattern=r"lane \d+$"), True),
        (Annotation("t", pattern="^lane"), False),
        (Annotation("t", test="uart_%", target="%/nfs"), True),
        (Annotation("t", test="uart_%", target="%/zfs"), False),
        (Annotation("t", test="uart_%", area="boards"), False),
        (Annotation("t", pattern="lane", test="x"), False),
    ],
)
def test_all_that_a_rule_gives_must_fit(rule: Annotation, fits: bool) -> None:
    name = ("uart_tx", "corner=ss")
    why = ("COMPLETED/FAIL", "", "ERROR: lane 7")
    kept = RunRecord(KEY, ("os", "fs"), {name: TestRecord(*name, "F", why=why)})
    found = Judge((rule,)).of_run(KEY, 0, kept)
    assert (name in found) is fits


def test_what_did_not_go_wrong_is_no_known_issue() -> None:
    kept = RunRecord(KEY, (), {("a", ""): TestRecord("a", "", "P")})
    assert Judge((Annotation("t", test="a"),)).of_run(KEY, 0, kept) == {}


def test_rules_that_have_no_room_in_one_automaton_are_all_asked() -> None:
    large = [rf"(\w{{1,50}}\s){{1,18}}{i}" for i in range(1200)]
    rules = [Annotation(title=str(i), pattern=one) for i, one in enumerate([*large, "lost"])]
    found = Judge(tuple(rules)).of_line(KEY, ("a", ""), None, "link lost 7")
    assert [rule.title for rule, _ in found] == ["7", "1200"]


def test_two_rules_in_one_line_of_a_file_are_two(tmp_path: Path) -> None:
    written(tmp_path, 'known = [{title = "1", pattern = "x"}, {title = "2", pattern = "y"}]\n')
    judge = Judge(load_annotations(tmp_path).rules)
    found = judge.of_line(RunKey("", (), ""), ("", ""), None, "x")
    assert [rule.title for rule, _ in found] == ["1"]
