"""The steps of a test as rows: how each went, when, how long, and its log."""

import re
from collections.abc import Sequence

from mtsite.logs.logpro import status_of_exit
from mtsite.model import Step
from mtsite.pages import charts, words

StepRow = tuple[object, ...]
"""(style, symbol, word, exit code, name, began, took, bar, log, link to it, comment, number)."""

MAX_STEPS = 300
FEW_STEPS = 20
"""Of more steps than that only those that went wrong stand open."""

_LETTER_OF = {word.upper(): letter for letter, word in words.WORDS.items()}
_BEGUN = frozenset({"", "-", "n/a", "running"})
"""What Megatest writes as the status of a step that begins."""

_EXIT_CODE = re.compile(r"-?[0-9]{1,9}")


def shown(steps: Sequence[Step], logs: object, *, ended: bool) -> dict[str, object]:
    """Rows in the order they ran; `logs` are the rows of the test's logs, name and link first.

    `ended` says that the test has: it died inside a step that began and has no end.
    `steps_wrong` are the rows that stand open where there are many, `steps` the rest of them,
    all where there are few.
    """
    if not steps:
        return _shown((), 0, (), 0)
    assert isinstance(logs, tuple)
    rows = _rows(steps, {row[0]: row[1] for row in logs}, ended)
    if len(steps) <= FEW_STEPS:
        return _shown((), 0, rows, len(steps))
    wrong = [row for row in rows if row[0] in words.BAD_LETTERS]
    return _shown(tuple(wrong[:FEW_STEPS]), len(wrong), rows[:MAX_STEPS], len(steps))


def _shown(
    wrong: tuple[StepRow, ...], wrong_total: int, rows: tuple[StepRow, ...], total: int
) -> dict[str, object]:
    return {
        "steps_wrong": wrong,
        "steps_wrong_total": wrong_total,
        "steps_few": FEW_STEPS,
        "steps": rows,
        "steps_total": total,
    }


def _rows(steps: Sequence[Step], pages: dict[str, str], ended: bool) -> tuple[StepRow, ...]:
    bars = charts.step_bars(steps)
    zero = min((step.start for step in steps if step.start is not None), default=0)
    rows: list[StepRow] = []
    for number, (step, bar) in enumerate(zip(steps, bars, strict=True), start=1):
        style, symbol, word = step_mark(step)
        if style == "R" and ended:
            style, symbol, word = "K", words.SYMBOLS["K"], "no end"
        offset = words.duration(step.start - zero) if step.start is not None else ""
        code = step.status.strip() if _EXIT_CODE.fullmatch(step.status.strip()) else ""
        rows.append(
            (
                style,
                symbol,
                words.WORDS[style] if code and word.startswith("exit ") else word,
                code,
                step.name,
                f"+{offset}" if offset else "",
                words.duration(step.duration),
                bar,
                step.logfile,
                pages.get(step.logfile, ""),
                step.comment,
                number,
            )
        )
    return tuple(rows)


def step_mark(step: Step) -> tuple[str, str, str]:
    """(style, symbol, word) of a step; its status may be a word of Megatest or an exit code.

    A log in HTML says that logpro judged the step: then its exit codes have their own meanings.
    """
    status = step.status.strip()
    if step.end is None and status in _BEGUN:
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
