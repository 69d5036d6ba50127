"""The table of families: order, plug-ins that misbehave, what the digest covers."""

import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

import pytest
from scanning import findings_of

from mtsite.logs import families
from mtsite.logs.families import RuleSet, built_in, load_rule_set
from mtsite.logs.family import Analysis, Family, Log, Meaning
from mtsite.logs.rule import ERROR, WARNING, Rule, Sighting, Window
from mtsite.logs.scan import scan
from mtsite.logs.shape import HARMLESS


def whole_line(window: Window) -> Sighting:
    return Sighting(ERROR, window.line())


def raises(*_: object) -> Sighting:
    raise RuntimeError("oh")


def family(name: str = "x", edition: int = 1, hint: bytes = b"bad") -> Family:
    return Family(name, edition, (Rule(f"{name}/bad", hint, whole_line),))


def test_the_built_in_families_all_load() -> None:
    found = built_in()
    assert found.faults == ()
    assert [one.name for one in found.families] == list(families.BUILT_IN)


def test_the_plain_words_come_last() -> None:
    assert list(families.BUILT_IN)[-1] == families.LAST


def test_every_rule_of_a_built_in_family_is_in_its_catalogue() -> None:
    for one in built_in().families:
        named = {rule.name for rule in one.rules if getattr(rule.read, "level", None) != HARMLESS}
        assert named - {"go/fail"} <= {meaning.code for meaning in one.catalogue}


@pytest.mark.parametrize(
    "other",
    [
        RuleSet((family(edition=2),)),
        RuleSet((family("y"),)),
        RuleSet((family(),), own=(Rule("site/a", b"a", whole_line),)),
        RuleSet((family(),), settings={"x": {"limit": 3}}),
    ],
)
def test_the_digest_covers_names_editions_settings_and_own_rules(other: RuleSet) -> None:
    assert other.digest != RuleSet((family(),)).digest == RuleSet((family(),)).digest


def test_a_rule_that_raises_is_left_out_and_told_once() -> None:
    broken = Family("b", 1, (Rule("b/bad", b"bad", raises),))
    found = scan(b"bad\nbad\n", RuleSet((broken, family())))
    assert [one.rule for one in found.findings] == ["x/bad", "x/bad"]
    assert found.faults == ("rules b/bad: read failed: RuntimeError: oh",)


@pytest.mark.parametrize(
    "nonsense",
    [
        *[7, "text", Sighting("BAD", b"x"), Sighting(ERROR, "text"), Sighting(ERROR, b"x", -1)],
        Sighting(ERROR, b"x", title=None),
    ],
)
def test_a_rule_that_gives_nonsense_stops_nothing(nonsense: object) -> None:
    broken = Family("b", 1, (Rule("b/bad", b"bad", lambda _: nonsense),))  # type: ignore[arg-type,return-value]
    found = scan(b"bad\n", RuleSet((broken, family())))
    assert [one.rule for one in found.findings] == ["x/bad"]
    assert len(found.faults) == 1


def dialect(analyse: object, *, exclusive: bool = False) -> Family:
    return Family(
        "d",
        1,
        catalogue=(Meaning("d/odd", ERROR, "Odd", ""), Meaning("d/hm", WARNING, "Hm", "")),
        claims=lambda name, head: name.endswith(".odd") and head.startswith(b"odd"),
        analyse=analyse,  # type: ignore[arg-type]
        exclusive=exclusive,
    )


def every_second_line(log: Log) -> Analysis:
    facts: dict[str, object] = {}

    def found() -> Iterator[tuple[int, Sighting]]:
        for number, line in log:
            facts["lines"] = number
            if number % 2 == 0:
                yield number, Sighting(ERROR, line, code="d/odd")

    return Analysis(found(), facts)


def test_a_dialect_judges_the_logs_that_it_claims() -> None:
    rules = RuleSet((dialect(every_second_line), family()))
    found = scan(b"odd bad\nbad\nbad\n", rules, "logs/a.odd")
    assert [(one.first_line, one.rule) for one in found.findings] == [
        (1, "x/bad"),
        (2, "d/odd"),
        (3, "x/bad"),
    ]
    assert (found.dialect, found.facts) == ("d", {"lines": 3})
    assert scan(b"odd bad\nbad\n", rules, "a.log").dialect == ""


def test_beside_an_exclusive_dialect_only_own_rules_run() -> None:
    own = Rule("site/bad", b"bad3", whole_line)
    rules = RuleSet((dialect(every_second_line, exclusive=True), family()), own=(own,))
    found = scan(b"odd bad1\nbad2\nbad3\n", rules, "a.odd")
    assert [one.rule for one in found.findings] == ["d/odd", "site/bad"]


def claims_raise(name: str, head: bytes) -> bool:
    raise RuntimeError("oh")


def dies_midway(log: Log) -> Analysis:
    def found() -> Iterator[tuple[int, Sighting]]:
        yield 1, Sighting(ERROR, b"odd", code="d/odd")
        raise RuntimeError("oh")

    return Analysis(found())


@pytest.mark.parametrize(
    ("analyse", "rules"),
    [
        (raises, ["x/bad"]),
        (dies_midway, ["d/odd", "x/bad"]),
        (lambda log: None, ["x/bad"]),
        (lambda log: Analysis([(1, Sighting(ERROR, b"x", code="d/unknown"))]), ["x/bad"]),
        (lambda log: Analysis([("1", Sighting(ERROR, b"x", code="d/odd"))]), ["x/bad"]),  # type: ignore[list-item]
        (lambda log: Analysis(7), ["x/bad"]),  # type: ignore[arg-type]
        (lambda log: Analysis(facts={"a": object()}), ["x/bad"]),
    ],
)
def test_a_dialect_that_fails_is_told_and_the_rules_still_judge(
    analyse: object, rules: list[str]
) -> None:
    found = scan(b"odd\nbad\n", RuleSet((dialect(analyse), family())), "a.odd")
    assert [one.rule for one in found.findings] == rules
    assert found.faults[0].startswith("rules d: analyse failed: ")
    assert found.facts == {}


def test_claims_that_raise_claim_nothing() -> None:
    broken = Family("c", 1, claims=claims_raise, analyse=every_second_line)
    found = scan(b"odd\nbad\n", RuleSet((broken, dialect(every_second_line))), "a.odd")
    assert found.dialect == "d"
    assert found.faults == ("rules c: claims failed: RuntimeError: oh",)


def test_a_plug_in_that_exits_ends_nothing_but_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaves(*_: object) -> NoReturn:
        sys.exit(3)

    rule = Family("b", 1, (Rule("b/bad", b"bad", leaves),))
    claims = Family("c", 1, claims=leaves, analyse=every_second_line)
    analyse = dialect(leaves)
    found = scan(b"odd\nbad\n", RuleSet((rule, claims, analyse, family())), "a.odd")
    assert [one.rule for one in found.findings] == ["x/bad"]
    assert [fault.partition(" failed: ")[2] for fault in found.faults] == ["SystemExit: 3"] * 3
    monkeypatch.setattr(families, "BUILT_IN", {"x": "made_up:FAMILY"})
    monkeypatch.setattr(families.plugins, "resolve", leaves)
    assert load_rule_set().faults == ("rules x: not used: SystemExit: 3",)


def test_a_signal_that_comes_while_a_plug_in_works_stops_the_program() -> None:
    def is_told_to_stop(*_: object) -> NoReturn:
        sys.exit(128 + signal.SIGTERM)

    stopped = Family("b", 1, (Rule("b/bad", b"bad", is_told_to_stop),))
    with pytest.raises(SystemExit, match="143"):
        scan(b"bad\n", RuleSet((stopped,)))


def test_equal_findings_of_one_log_have_ids_of_their_own() -> None:
    one, other, third = findings_of("bad 1\nbad 2\nworse bad\n", family())
    assert one.masked == other.masked != third.masked
    assert len({one.id, other.id, third.id}) == 3


def test_ids_stay_when_lines_move() -> None:
    before = findings_of("bad 1\nbad x\n", family())
    after = findings_of("new\nbad 7\nnew\nbad x\n", family())
    assert [one.id for one in before] == [one.id for one in after]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (7, "it is no Family but int"),
        (family("other"), "it calls itself 'other'"),
        (Family("x", 1, (Rule("y/bad", b"b", whole_line),)), "does not begin with 'x/'"),
        (family(hint=b"("), "hint of x/bad: missing )"),
        (family(hint=b"a*"), "hint of x/bad matches empty text"),
        (Family("x", 1, claims=claims_raise), "both claims and analyse"),
        (Family("x", 1, catalogue=(Meaning("x/a", "BAD", "", ""),)), "level 'BAD' is none of"),
    ],
)
def test_what_is_no_family_is_not_used(
    made: object, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(families, "BUILT_IN", {"x": "made_up:FAMILY"})
    monkeypatch.setattr(families.plugins, "resolve", lambda *_: made)
    (fault,) = load_rule_set().faults
    assert fault.startswith("rules x: not used: ")
    assert told in fault


def test_settings_of_no_family_are_a_fault_that_says_so() -> None:
    told = load_rule_set({"migraton": {}, "migration": {}}).faults
    assert told == ("rules migraton: there is no such family that [logs.migraton] could set up",)
