"""Test pages of one run that try everything at once: for page tests and the gallery."""

from browser import pieces, records
from msgspec.structs import replace

from mtsite import rollup
from mtsite.model import (
    Archive,
    LogRecord,
    RunRecord,
    State,
    Status,
    Step,
    Test,
    TestDatum,
    TestFacts,
    TestName,
    TestRecord,
)

FUTURE = records.NOW + 400 * records.DAY
LONG = "a_name_of_two_hundred_characters_" * 6 + "end"
RIGHT_TO_LEFT = "اختبار_الذاكرة_\u202etxt.exe"
NUMBERS: tuple[tuple[object, object, object], ...] = (
    (1e308, 1.0, 0.5),
    (-1e308, 1e308, 1e308),
    ("nan", 0.0, 1.0),
    ("inf", 0.0, ">"),
    ("12 apples", "a dozen", "<="),
    (5e-324, 0.0, 1e-9),
    (9_007_199_254_740_993, 9_007_199_254_740_992, 0),
    ("<b>bold</b>", pieces.HOSTILE_TEXT, "±"),
    (None, None, None),
    (0.1 + 0.2, 0.3, 1e-17),
)
SAMPLES = tuple(
    (records.NOW + 30 * i, (i * 37 % 90) / 11, 48_000_000 - 300_000 * i) for i in range(100)
)


def _data(count: int) -> tuple[TestDatum, ...]:
    rows = [
        TestDatum(
            "odd", f"v{i}", value, expected, tol, "W·m⁻²", "", "fail" if i % 2 else "pass", "x"
        )  # type: ignore[arg-type]
        for i, (value, expected, tol) in enumerate(NUMBERS)
    ]
    rows.append(
        TestDatum(
            "odd", "bad tol", 1.0, 1.0, "~", "", "", "ERROR: bad tol comparator ~", "expected"
        )
    )
    rows += [
        TestDatum("many", f"row{i:05d}", i * 0.5, i * 0.5, 1.0, "s", "", "pass", "")
        for i in range(count)
    ]
    return tuple(rows)


def _steps(count: int) -> tuple[Step, ...]:
    start = records.NOW
    return tuple(
        Step(
            f"step_{i:04d}",
            start + 7 * i,
            start + 7 * i + 5,
            Status("1" if i in {17, 640} else "0"),
            5,
            f"step_{i:04d}.log",
            "lost the licence" if i == 640 else "",
        )
        for i in range(count)
    )


class Odd(records.Night):
    """A night whose tests are as odd as rows allow."""

    def __init__(self) -> None:
        super().__init__(runname="odd")
        plain = replace(
            self.run.tests[0], state=State("COMPLETED"), status=Status("FAIL"), steps=(), data=()
        )
        made = self._made(plain)
        items = [
            replace(
                plain,
                testname="many_items",
                item_path=f"corner={'ss tt ff'.split()[i % 3]}/seed={i:03d}",
                state=State(
                    ("COMPLETED", "COMPLETED", "RUNNING", "KILLED")[i % 4 if i < 40 else 0]
                ),
                status=Status(("PASS", "FAIL", "n/a", "KILLED")[i % 4 if i < 40 else 0]),
                event_time=records.NOW,
            )
            for i in range(400)
        ]
        top = replace(
            plain, testname="many_items", toplevel=True, status=Status("PASS"), host="n/a"
        )
        tests = sorted(
            [*made, top, *items], key=lambda one: (_bytes(one.testname), _bytes(one.item_path))
        )
        self.run = replace(self.run, key=self.key, tests=tuple(tests))
        self.run = replace(
            self.run,
            archive=Archive(
                "chipyard-17", "chipyard_0f3a1", {3: "/arch/disk 1/2026_q4/chipyard_0f3a1"}
            ),
        )
        self.verdicts = rollup.test_verdicts(self.run, FUTURE, 7 * records.DAY)
        self.records = {
            one.name: TestRecord(*one.name, verdict.value, one.toplevel, self._logs(one, i))
            for i, (one, verdict) in enumerate(zip(tests, self.verdicts, strict=True))
        }
        self.record = RunRecord(self.key, records.KEYS, self.records)
        facts = {
            one.name: self._fact(verdict.value)
            for one, verdict in zip(tests, self.verdicts, strict=True)
        }
        self.facts = replace(self.facts, tests=facts)

    def _fact(self, letter: str) -> TestFacts:
        strip = {"V": "P" * 22 + "FFF" + "VVVV", "F": "P.PFWVCSAKBDNR" * 2 + "F"}.get(
            letter, "P" * 28
        )
        took = tuple((i * i * 13) % 4000 or None for i in range(30))
        return TestFacts((strip + letter)[-30:].rjust(30, "."), took=took)

    def _logs(self, one: Test, which: int) -> tuple[LogRecord, ...]:
        if one.testname in {"no_steps_no_logs", "archived"} or one.toplevel:
            return ()
        return pieces.logs("F", which) if one.testname != "many_items" else ()

    def _made(self, plain: Test) -> list[Test]:
        def odd(name: str, **changed: object) -> Test:
            return replace(plain, testname=name, **changed)  # type: ignore[arg-type]

        return [
            odd("no_steps_no_logs", comment=""),
            odd("thousand_steps", steps=_steps(1000)),
            odd("ten_thousand_values", data=_data(10_000)),
            odd(LONG, item_path="", comment="long " * 2000),
            odd(RIGHT_TO_LEFT, comment=pieces.HOSTILE_TEXT, host=RIGHT_TO_LEFT),
            odd(
                "future_clock",
                event_time=FUTURE,
                run_duration=0,
                steps=(
                    Step("back", FUTURE, FUTURE - 50, Status("0"), -50, "", ""),
                    Step("no start", None, FUTURE, Status("odd word"), None, "x.log", "<b>no</b>"),
                    Step("no end", FUTURE, None, Status("-"), None, "", ""),
                ),
            ),
            odd("odd_items", item_path="//a//"),
            odd("waived", status=Status("WAIVED"), comment="until tape-out, see CHIP-4471"),
            odd("archived", state=State("ARCHIVED"), archived=3, samples=SAMPLES),
            odd("dead", state=State("RUNNING"), status=Status("n/a"), event_time=records.NOW),
            odd(
                "prerequisite",
                state=State("NOT_STARTED"),
                status=Status("PREQ_FAIL"),
                run_duration=0,
            ),
        ]

    def at(self, testname: str, item_path: str = "") -> int:
        """The place of a test in the run."""
        return [one.name for one in self.run.tests].index((testname, item_path))


def names() -> dict[str, TestName]:
    """Name of a screenshot → test."""
    return {
        "nothing": ("no_steps_no_logs", ""),
        "steps1000": ("thousand_steps", ""),
        "values": ("ten_thousand_values", ""),
        "long": (LONG, ""),
        "rtl": (RIGHT_TO_LEFT, ""),
        "clock": ("future_clock", ""),
        "odditem": ("odd_items", "//a//"),
        "items400": ("many_items", ""),
        "waived": ("waived", ""),
        "archived": ("archived", ""),
        "deadtest": ("dead", ""),
        "blocked": ("prerequisite", ""),
    }


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
