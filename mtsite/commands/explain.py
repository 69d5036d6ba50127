"""`mtsite explain`: why a run is where it is."""

import time
from typing import TYPE_CHECKING

import click

from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.explain import Explained


@click.command(epilog=exits(10))
@click.argument("run")
@click.pass_obj
def command(invocation: Invocation, run: str) -> None:
    """Say where the rows of a run lie, its notes and holds, and which rule keeps or moves it.

    RUN is its address, AREA/KEY1/.../RUNNAME or its URL.
    """
    from mtsite.archive.explain import explain_run
    from mtsite.archive.names import find_run

    config = invocation.config()
    key = find_run(config, run, invocation.environ)
    found = explain_run(config, key, int(time.time()), invocation.environ)
    if invocation.as_json:
        invocation.print_json("explain", _document(found))
    else:
        invocation.print_table(_rows(found))


def _rows(found: "Explained") -> list[tuple[object, ...]]:
    head = found.head
    rows: list[tuple[object, ...]] = [
        ("run", "/".join([found.key.area, *found.key.target, found.key.runname])),
        ("rows", f"{head.database}, run {head.run_id}, in area {head.home}" if head else "none"),
    ]
    rows += [
        ("note", f"{note.state} in {path}, from {note.source}, by {note.who} on {note.host}")
        for path, note in found.found
    ]
    rows.append(("hold", found.hold.told() if found.hold else "none"))
    rows += [
        (one.command, f"{one.verdict or 'can not tell'}: {one.reason} ({one.rule or 'error'})")
        for one in found.judged
    ]
    return [*rows, ("pages", found.rebuilt)]


def _document(found: "Explained") -> dict[str, object]:
    head = found.head
    return {
        "run": [found.key.area, *found.key.target, found.key.runname],
        "rows": head and {"database": str(head.database), "run_id": head.run_id, "area": head.home},
        "notes": [
            {
                "database": str(path),
                "state": note.state,
                "source": note.source,
                "birth_run_id": note.birth_run_id,
                "who": note.who,
                "host": note.host,
                "started": note.started,
                "digest": note.digest,
            }
            for path, note in found.found
        ],
        "hold": found.hold.told() if found.hold else "",
        "rules": [
            {
                "command": one.command,
                "verdict": one.verdict,
                "rule": one.rule,
                "reason": one.reason,
            }
            for one in found.judged
        ],
        "pages": found.rebuilt,
    }
