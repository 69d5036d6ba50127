"""Handmade records of what stands beside runs: what leaves and is held, a log's text, clusters."""

import random
from collections.abc import Iterator

from browser import past_records, records
from browser.pieces import AREA, DAY, HOSTILE, LINES, NOW, TARGET
from msgspec.structs import replace

from mtsite import urls
from mtsite.failing import Cluster, FailingLine, Occurrence
from mtsite.holds import Hold
from mtsite.model import LetGo, RunKey
from mtsite.pages.leaving import Departures, Held
from mtsite.retention import CLOCKS, Leaving, Standing


def departures(night: records.Night) -> Departures:
    """Runs that leave soon, holds, and what ended; hostile names among them."""
    names = ["ww21.3", "ww21.4", "a run with a long name " * 4, *HOSTILE]
    keys = [RunKey(AREA, TARGET, name) for name in names]
    soon = tuple(
        Leaving(
            Standing(key, NOW - 180 * DAY, NOW - 180 * DAY),
            CLOCKS[: 1 + number % 3],
            f"ended 2026-05-2{number % 10}: [retain] {CLOCKS[number % 3]} = 180d",
            NOW + number * DAY,
        )
        for number, key in enumerate(keys)
    )
    holds = (
        Held(Hold(urls.run_dir(keys[0]), "tape-out of <b>rev B</b>", "maria"), keys[0], False),
        Held(Hold("chipyard/rhel9/nfs/nightly/ww19.1", "bisect of the retry bug"), None, True),
    )
    ended = tuple(
        replace(
            summary,
            let_go=(
                LetGo("logs", "[retain] logs = 180d", NOW - 3 * DAY, "nightly"),
                LetGo("purge", "a customer's name was in the log", NOW - DAY, "maria"),
            ),
        )
        for summary in past_records.past(night)[-3:]
    )
    return Departures(NOW, soon, holds, ended)


def log_text(lines: int = 1_700) -> bytes:
    """A log as simulators write them, with colours, a carriage return and broken bytes."""
    return b"\n".join(_log_lines(lines)) + b"\n"


def _log_lines(lines: int) -> Iterator[bytes]:
    rnd = random.Random(3)
    for n in range(1, lines + 1):
        if n == 1482:
            yield b"\x1b[1;31m" + LINES[0].encode() + b"\x1b[0m"
        elif n % 211 == 0:
            yield b"\x1b[33mUVM_WARNING\x1b[0m @ %d ns: credit low \xff\xfe" % (n * 124)
        elif n % 97 == 0:
            yield b"progress 10%\rprogress 60%\rprogress 100%"
        else:
            yield b"UVM_INFO @ %d ns: uvm_test_top.env.agent%d [DRV] sent packet %04x len %d" % (
                n * 124,
                n % 4,
                rnd.randrange(65536),
                rnd.randrange(64),
            )


def clusters(night: records.Night) -> list[Cluster]:
    """Failures that are alike, in this run and before."""
    made = []
    for i, text in enumerate((*LINES, HOSTILE[0])):
        found = FailingLine(
            f"ab{i:010x}", f"{i:016x}", text, 3 + i, ("pcie_retry_smoke", ""), "sim.log", 1482
        )
        seen = [
            Occurrence(
                replace(night.key, runname=name),
                NOW - back * DAY,
                replace(found, exact=f"{back:016x}", hosts=(f"lnx0{back}",)),
            )
            for back, name in enumerate(night.window[::-1][: i + 1])
        ]
        made.append(
            Cluster(found.cluster, 40 * i + 4, i + 1, i + 1, (AREA,), seen[-1], tuple(seen))
        )
    return made
