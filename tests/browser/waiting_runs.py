"""Runs whose tests wait for each other: a failed prerequisite, fan-out and fan-in, cycles."""

from collections.abc import Mapping
from functools import lru_cache

from browser import pieces
from browser.odd_runs import Odd
from msgspec.structs import replace

from mtsite.model import TestDatum, TestDefinition, TestName

FAN = 500


class Waiting(Odd):
    """A run made of given verdicts, in which tests wait as `waits` says."""

    def __init__(
        self, runname: str, letters: Mapping[TestName, str], waits: Mapping[str, str]
    ) -> None:
        super().__init__(runname, letters)
        said = {name: TestDefinition(source="area", **_needs(text)) for name, text in waits.items()}
        self.record = replace(self.record, definitions=said)


def _needs(text: str) -> dict[str, tuple[object, ...]]:
    """'a b | mode itemwait | itemmap x/ y/' as a definition has it."""
    waiton, *needs = text.split(" | ")
    pairs = [tuple(one.split(" ", 1)) for one in needs]
    return {
        "waiton": tuple(waiton.split()),
        "requirements": tuple(pair for pair in pairs if pair[0] != "itemmap"),
        "itemmap": tuple(("", pair[1]) for pair in pairs if pair[0] == "itemmap"),
    }


@lru_cache(maxsize=1)
def small() -> Waiting:
    """build failed: link and all behind it never began; a cycle; a name that nobody has."""
    letters = {
        ("build", ""): "F",
        ("lint", ""): "P",
        ("link", ""): "B",
        ("deploy", ""): "B",
        ("smoke", ""): "B",
        ("report", ""): "P",
        ("alone", ""): "P",
        ("ring_a", ""): "N",
        ("ring_b", ""): "N",
        ("ring_c", ""): "N",
        ("corners", ""): "F",
        ("corners", "v/1"): "P",
        ("corners", "v/2"): "F",
        ("check", ""): "B",
        ("check", "r/1"): "P",
        ("check", "r/2"): "B",
        ("check", "r/9"): "N",
        (pieces.HOSTILE[0], ""): "W",
    }
    waits = {
        "link": f"build {pieces.HOSTILE[0]}",
        "deploy": "link lint",
        "smoke": "deploy",
        "report": "% | mode toplevel",
        "ring_a": "ring_b",
        "ring_b": "ring_c",
        "ring_c": "ring_a",
        "check": "corners | mode itemmatch | itemmap ^r/ v/",
        "lint": "nobody",
        pieces.HOSTILE[0]: " ".join(pieces.HOSTILE[1:3]),
    }
    made = Waiting("waits", letters, waits)
    stated = TestDatum("relation", "duplicates", "lint", None, None, "", "", None, "")
    tests = [replace(t, data=(stated,)) if t.testname == "alone" else t for t in made.run.tests]
    made.run = replace(made.run, tests=tuple(tests))
    return made


@lru_cache(maxsize=1)
def fans() -> Waiting:
    """500 tests wait for one, and one for all of them."""
    letters = {(f"t{n:03d}", ""): "F" if n % 33 == 0 else "P" for n in range(FAN)}
    waits = dict.fromkeys((name for name, _ in letters), "a_build")
    return Waiting(
        "fans",
        {**letters, ("a_build", ""): "P", ("a_report", ""): "B"},
        {**waits, "a_report": " ".join(name for name, _ in letters)},
    )
