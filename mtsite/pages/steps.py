"""The steps of a test as rows: how each went, when, how long, and its log."""

import re
from collections.abc import Sequence

from mtsite.logs.logpro import status_of_exit
from mtsite.model import Step
from mtsite.pages import charts, words

StepRow = tuple[object, ...]
"""(style, symbol, word, name, began, took, bar, log, link to it, comment)."""

MAX_STEPS = 300
_LETTER_OF = {word.upper(): letter for letter, word in words.WORDS.items()}
_EXIT_CODE = re.compile(r"-?[0-9]{1,9}")


def step_rows(steps: Sequence[Step], logs: object) -> tuple[StepRow, ...]:
    """Rows in the order they ran; `logs` are the rows of the test's logs, name and link first."""
    if not steps:
        return ()
    assert isinstance(logs, tuple)
    pages = {row[0]: row[1] for row in logs}
    bars = charts.step_bars(steps[:MAX_STEPS])
    zero = min((step.start for step in steps if step.start is not None), default=0)
    rows: list[StepRow] = []
    for step, bar in zip(steps, bars, strict=False):
        style, symbol, word = step_mark(step)
        offset = words.duration(step.start - zero) if step.start is not None else ""
        rows.append(
            (
                style,
                symbol,
                word,
                step.name,
                f"+{offset}" if offset else "",
                words.duration(step.duration),
                bar,
                step.logfile,
                pages.get(step.logfile, ""),
                step.comment,
            )
        )
    return tuple(rows)


def step_mark(step: Step) -> tuple[str, str, str]:
    """(style, symbol, word) of a step; its status may be a word of Megatest or an exit code.

    A log in HTML says that logpro judged the step: then its exit codes have their own meanings.
    """
    status = step.status.strip()
    if step.end is None and not status:
        return words.mark("R")
    if status in {"0", "pass", "PASS"}:
        return words.mark("P")
    letter = _LETTER_OF.get(status.upper())
    if letter:
        return words.mark(letter)
    if not status or status == "n/a":
        style, symbol, _ = words.mark("N")
        return style, symbol, "no status"
    if not _EXIT_CODE.fullmatch(status):
        style, symbol, _ = words.mark("F")
        return style, symbol, status
    told = status_of_exit(int(status), by_logpro=step.logfile.endswith(".html"))
    style, symbol, _ = words.mark(_LETTER_OF[told])
    return style, symbol, f"exit {status}" if told == "FAIL" else f"exit {status} ({told})"
