"""What a gate found, handmade: a dataset that passed, one that took too long, one that is none."""

import json

from browser.gallery_levels import FRAME, Page

from mtsite.gatewords import FIND, HELP, TEXTS, TOO_LONG
from mtsite.pages import gate

PATH = "_gate/index.html"
TWIN = "_gate/gate.json"

_STEPS = {
    "reduce": (0.21, {"moved": 40, "stayed": 0}),
    "automigrate": (0.4, {"moved": 40, "stayed": 0}),
    "restore": (0.12, {"moved": 40, "stayed": 0}),
    "build": (14.66, {"runs": 41, "files": 9130}),
    "check": (1.3, {"files": 9135, "errors": 0}),
}


def page() -> Page:
    """The page of the gate."""
    return PATH, gate.TEMPLATE, gate.context(FRAME, document(), PATH)


def twin() -> bytes:
    """gate.json beside it."""
    return json.dumps({"schema": "mtsite/gate/1", **document()}).encode()


def document() -> dict[str, object]:
    """What `gate --json` prints."""
    slow = _message(TOO_LONG, "14.66 s; allowed are 10 s", step="build")
    absent = _message(FIND, "there is no megatest.db in dataset/fullrun")
    datasets = (
        _dataset("nightly_130", [], None),
        _dataset("nightly_150", [slow], 10),
        _dataset("<b>trivial</b>_500", [absent], None) | {"steps": [], "runs": 0, "rows": 0},
    )
    return {"datasets": datasets}


def _dataset(name: str, messages: list[dict[str, str]], limit: int | None) -> dict[str, object]:
    steps = [
        {"name": step, "seconds": seconds, "limit": limit, "counts": counts}
        | {"too_long": limit is not None and seconds > limit}
        for step, (seconds, counts) in _STEPS.items()
    ]
    shown: dict[str, object] = {"name": name, "success": not messages, "messages": messages}
    return shown | {"steps": steps, "runs": 41, "rows": 18_240}


def _message(code: str, detail: str, step: str = "") -> dict[str, str]:
    text = TEXTS[code].format(step=step)
    return {"code": code, "text": text, "detail": detail, "help": HELP[code]}
