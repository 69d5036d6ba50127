"""How an area grew: tests, runs and logs of each month, over all targets below. Pure."""

from collections.abc import Callable, Sequence

from mtsite.pages import words
from mtsite.pages.series import HEIGHT, WIDTH, Chart, Figure

MOST = 60
"""So many of the newest months are drawn; what came before them is added up in the note."""

Month = tuple[str, int, int, int]
"""('2026-11', runs, tests, bytes of logs that are stored)."""


def shown(months: Sequence[Month]) -> Chart | None:
    """The months, oldest first, those without a run between them too; None for a single one."""
    known = [one for one in months if one[0][:4].isdigit()]
    if len(known) < 2:
        return None
    whole = _whole(known)[-MOST:]
    older = [one for one in known if one[0] < whole[0][0]]
    figures = (
        _figure(whole, "Tests each month", 2, words.number),
        _figure(whole, "Logs each month", 3, words.size),
    )
    rows = tuple(
        (
            (month, ""),
            (words.number(runs), ""),
            (words.number(tests), ""),
            (words.size(logs) if logs else "", ""),
        )
        for month, runs, tests, logs in reversed(whole)
    )
    note = ""
    if older:
        runs = words.plural(sum(one[1] for one in older), "run")
        note = f"{runs} of the months before {whole[0][0]} are not drawn."
    return Chart(
        tuple(one for one in figures if one is not None),
        (whole[0][0], whole[-1][0]),
        ("month", "runs", "tests", "logs"),
        rows,
        note,
    )


def _whole(known: Sequence[Month]) -> list[Month]:
    """All months from the first to the last."""
    by_name = {one[0]: one for one in known}
    first, last = (_number(known[i][0]) for i in (0, -1))
    first = max(first, last - MOST + 1)
    names = [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(first, last + 1)]
    return [by_name.get(name, (name, 0, 0, 0)) for name in names]


def _number(month: str) -> int:
    year, _, number = month.partition("-")
    return int(year) * 12 + int(number) - 1


def _figure(
    months: Sequence[Month], name: str, which: int, said: Callable[[int], str]
) -> Figure | None:
    values = [int(one[which]) for one in months]
    most = max(values)
    if not most or len(values) < 2:
        return None
    last = len(values) - 1
    points = [
        f"{i * WIDTH // last} {HEIGHT - 2 - value * (HEIGHT - 6) // most}"
        for i, value in enumerate(values)
    ]
    told = f"{said(values[-1])} in {months[-1][0]}, most {said(most)}"
    return Figure(name, told, f"{name}: {told}", (("", "M" + "L".join(points)),))
