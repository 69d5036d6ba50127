"""Records of known issues, waivers, and of long pasts: for the charts of targets and areas."""

import random
from collections.abc import Sequence
from datetime import date

from browser import odd_runs, records
from msgspec.structs import replace

from mtsite.annotated import Fitting
from mtsite.annotations import Annotation, Annotations
from mtsite.facts import KnownIssue
from mtsite.model import RunKey, RunSummary, TestName

KEY = RunKey(records.AREA, records.TARGET, "known")
PARITY = Annotation(
    "Parity is not modelled yet",
    pattern="parity (error|mismatch)",
    test="uart_%",
    until=date(2026, 12, 31),
    link="https://bugs.example/4711",
    owner="ann",
    why="The model has **no** parity; see the plan of the block.",
    place="annotations/uart.toml:1",
)
ENDED = Annotation(
    "Licences run out at night",
    pattern="licen[cs]e",
    until=date(2026, 5, 1),
    place="annotations/lab.toml:4",
)
UNMATCHED = Annotation(
    "Nobody fails like this <any> more",
    test="old_%",
    target="%/%/daily",
    place="annotations/lab.toml:9",
)
RULES = Annotations(
    (PARITY, ENDED, UNMATCHED),
    ("annotations/wrong.toml:3: known[0].pattern: no regular expression: missing )",),
)


def fittings() -> dict[str, Fitting]:
    ends = ((replace(KEY, runname="ww40.1"), records.NOW - 40 * records.DAY), (KEY, records.NOW))
    return {PARITY.id: Fitting(120, 31, 0, 0, *ends), ENDED.id: Fitting(14, 9, 3, 2, *ends)}


def issue(rule: Annotation, *, over: bool = False) -> KnownIssue:
    until = rule.until.isoformat() if rule.until else ""
    return KnownIssue(rule.id, rule.title, rule.link, rule.owner, until, rule.why, over)


class Known(odd_runs.Odd):
    """A run whose failures are known, but for a few; some of its tests are waived."""

    def __init__(self) -> None:
        self.letters: dict[TestName, str] = {(f"uart_t{i:02d}", ""): "F" for i in range(12)}
        self.letters |= {(f"waived_t{i}", ""): "V" for i in range(4)}
        self.letters |= {(f"spi_t{i:02d}", ""): "PPPF"[i % 4] for i in range(40)}
        super().__init__("known", self.letters)
        both = (issue(PARITY), issue(ENDED, over=True))
        self.known = {
            name: both if name[0] == "uart_t03" else (issue(PARITY),)
            for name in self.letters
            if name[0].startswith("uart")
        }
        self.known[("spi_t03", "")] = (issue(ENDED, over=True),)
        muted = {name for name, told in self.known.items() if not told[0].over}
        tests = dict(self.facts.tests)
        for i in range(4):
            strip = "P" * (20 - i) + "F" + "V" * (9 + i)
            tests[f"waived_t{i}", ""] = replace(tests[f"waived_t{i}", ""], strip=strip, change="")
        self.facts = replace(self.facts, tests=tests)
        changes = [facts.change for name, facts in tests.items() if name not in muted]
        self.summary = replace(
            self.summary, new=changes.count("new"), still=changes.count("still"), known=len(muted)
        )
        self.record = replace(self.record, summary=self.summary)


def past(night: records.Night, number: int = 400) -> Sequence[RunSummary]:
    """So many runs, newest first, with a break of four months in them."""
    rnd = random.Random(11)
    runs = []
    time = records.NOW
    for i in range(number):
        total = 430 if i < 250 else 310
        bad = rnd.choice((0, 0, 0, 1, 3)) if i % 40 else rnd.randrange(40, 200)
        took = rnd.randrange(9000, 10_500) * (2 if i % 33 == 4 else 1) - 8 * i
        runs.append(
            replace(
                night.summary,
                key=replace(night.key, runname=f"r{number - i:03d}"),
                event_time=time,
                end_time=time + took,
                counts={"P": total - bad, "F": bad} if bad else {"P": total},
            )
        )
        time -= records.DAY * (120 if i == 200 else 1)
    return runs


def months() -> list[tuple[str, int, int, int]]:
    """Three years, with a summer without any run."""
    rnd = random.Random(5)
    names = [f"{year}-{month:02d}" for year in (2024, 2025, 2026) for month in range(1, 13)][:35]
    return [
        (name, 60 + i, 20_000 + 900 * i + rnd.randrange(4000), (i * i + 40) * 3_000_000)
        for i, name in enumerate(names)
        if name[5:] not in {"07", "08"} or name[:4] != "2025"
    ]
