"""What a state and a status mean together, where Megatest's own words don't say it."""

from mtsite.model import Test
from mtsite.rollup import BUSY_STATES

_WAITING = {
    "PREQ_FAIL": "A test that it waits for failed: it did not start.",
    "PREQ_DISCARDED": "A test that it waits for was discarded: it did not start.",
    "ZERO_ITEMS": "Its items expand to nothing: there was nothing to start.",
    "TEN_STRIKES": "Megatest gave up starting it after repeated tries.",
    "TIMED_OUT": "It waited too long for its turn and was not started.",
    "KEEP_TRYING": "Megatest was still trying to start it when the run was left.",
    "BLOCKED": "Something that it waits for keeps it from starting.",
}
_STATES = {
    "REMOVING": "Its removal had begun and not ended when it was read.",
    "CLEANING": "Its run directory was being removed when it was read; the rows stay.",
    "ARCHIVE_REMOVING": "Its run directory was on its way into the archive when it was read.",
    "KILLREQ": "It was asked to stop and had not answered when it was read.",
    "KILLED": "It was killed.",
    "INCOMPLETE": "Its process ended without a report: it died, or was found dead.",
    "STUCK": "It made no progress.",
    "UNKNOWN": "Nobody knows how it ended.",
    "DEAD": "It was found dead.",
    "FAILEDKILL": "It could not be killed during its removal.",
}
_ENDED = {
    "DEAD": "It was found dead: it did not report its end.",
    "STUCK/DEAD": "It made no progress, or was found dead.",
    "PREQ_FAIL": _WAITING["PREQ_FAIL"],
    "PREQ_DISCARDED": _WAITING["PREQ_DISCARDED"],
    "CHECK": "It wants a person to look.",
    "SKIP": "It was skipped by a rule of its own.",
    "AUTO": "Its verdict was still to be taken from its test data.",
    "n/a": "It ended without a verdict.",
}


def meaning(test: Test, letter: str) -> str:
    """One sentence; '' where the verdict says it all."""
    state, status = test.state, test.status
    if state in BUSY_STATES and letter == "D":
        return f"Its row says {state}, but nothing was heard of it for too long: taken for dead."
    if state == "NOT_STARTED":
        return _WAITING.get(status, "It had not started when it was read." if letter == "N" else "")
    if state in _STATES:
        signal = state == "INCOMPLETE" and status == "KILLED"
        return "Its process got a signal." if signal else _STATES[state]
    if state in BUSY_STATES:
        return "It was under way when it was read."
    said = _ENDED.get(status, "")
    if state == "ARCHIVED":
        return f"{said} Its run directory lies in the archive only.".strip()
    return said if state == "COMPLETED" else ""
