"""A history of jobs as the pages of jobs show it: good nights, bad ones, one that runs."""

import random

from mtsite.jobhistory import (
    DONE,
    FAILED,
    KILLED,
    PARTLY,
    STOPPED,
    JobEntry,
    JobHistory,
    StepEntry,
)
from mtsite.pages.job import JobPulse

NOW = 1_795_140_000
DAY = 86_400
SECRET_PATH = "chipyard/u22/rtlsim/ww47.5/pcie_retry_smoke/index.html"
TRACE = (
    "Traceback (most recent call last):\n"
    '  File "mtsite/build/site.py", line 120, in build_site\n'
    "ZeroDivisionError: division by zero"
)


def pulse() -> JobPulse:
    """60 nights and a day of refreshes; the newest night met an area that could not be read."""
    odd = {12: FAILED, 27: KILLED, 40: STOPPED, 59: PARTLY}
    nights = [_night(number, odd.get(number, DONE)) for number in range(60)]
    day = [_refresh(number) for number in range(24)]
    entries = sorted([*nights, *day], key=lambda one: one.begun)
    return JobPulse(
        JobHistory(tuple(entries), 2), {"nightly": DAY, "refresh": 900}, {"nightly": NOW + DAY}
    )


def _night(number: int, state: str) -> JobEntry:
    random.seed(number)
    begun = NOW - (59 - number) * DAY
    told = {
        PARTLY: "reduce: area webstack: megatest.db is locked by host farm07 (pid 4711)",
        FAILED: f"build: {TRACE}",
        KILLED: "it left no word: killed, or the host went down",
        STOPPED: "stopped by a signal",
    }.get(state, "")
    reduce = "partly" if state == PARTLY else "done"
    steps = (
        StepEntry("reduce", reduce, 41.2, {"areas": 3, "moved": 12, "stayed": 1}, told[8:]),
        StepEntry("automigrate", "done", 3.1, {"areas": 3, "moved": number % 4, "stayed": 0}),
        StepEntry("retain", "skipped", 0, {}, "no clock in [retain]"),
        StepEntry("build", "done", 812.7, {"runs": 2871, "read": 14, "files written": 48_211}),
        StepEntry("check", "done", 6.3, {"files": 48_211, "findings": 0}),
        StepEntry("publish", "done", 301, {"new": 4, "requests": 1204, "bytes sent": 91_400_000}),
    )
    return JobEntry(
        "nightly",
        number + 1,
        begun,
        command="mtsite nightly --job nightly",
        host="regress01",
        ended=None if state == KILLED else begun + 1100 + random.randrange(500),
        exit={DONE: 0, PARTLY: 3, FAILED: 3, STOPPED: 143}.get(state),
        state=state,
        told=told,
        steps=() if state == KILLED else steps,
        sizes={
            "files": 400_000 + 9000 * number,
            "site": 4_000_000_000 + 70_000_000 * number,
            "database chipyard": 900_000_000 + (number % 7) * 30_000_000,
            "database chipyard_archive": 12_000_000 * number,
        },
        said=("reduce: 3 areas, 12 moved, 1 stayed", "warning: <script>alert(1)</script> is odd"),
    )


def _refresh(number: int) -> JobEntry:
    begun = NOW + 3600 + number * 900
    written = 0 if number % 3 else 211
    steps = (
        StepEntry("build", "done", 4.1, {"runs": 2871, "read": 2, "files written": written}),
        StepEntry("publish", "done", 1.2, {"new": written, "requests": 3, "bytes sent": 9_000}),
    )
    return JobEntry("refresh", number + 1, begun, ended=begun + 6, exit=0, state=DONE, steps=steps)
