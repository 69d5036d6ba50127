"""What the list of hosts shows: those that stand out first, then all by name, in parts."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.onhosts import Numbers
from mtsite.pages import charts, words
from mtsite.pages.host import against_others, stands_out
from mtsite.pages.page import SiteFrame, frame_context

EDITION = 2
TEMPLATE = "hosts.html"
AT_ONCE = 200
MOST_OUT = 20

Host = tuple[str, Numbers]


class Part(Struct, frozen=True):
    """One part of the list: its hosts by name; the first has those that stand out, too."""

    hosts: tuple[Host, ...]
    number: int
    parts: int
    total: int
    out: tuple[Host, ...] = ()
    out_total: int = 0


def parts_of(hosts: Sequence[Host]) -> list[Part]:
    """All hosts, which are in the order of their names, in parts; one at least."""
    blocks = [tuple(hosts[i : i + AT_ONCE]) for i in range(0, len(hosts), AT_ONCE)] or [()]
    out = sorted(
        (one for one in hosts if stands_out(one[1])),
        key=lambda one: (one[1].expected - 1000 * one[1].wrong, one[0]),
    )
    parts = [Part(block, n, len(blocks), len(hosts)) for n, block in enumerate(blocks, start=1)]
    parts[0] = replace(parts[0], out=tuple(out[:MOST_OUT]), out_total=len(out))
    return parts


def context(frame: SiteFrame, part: Part) -> dict[str, object]:
    """One part of the list."""
    path = urls.hosts_page(part.number)
    style, symbol, word = words.mark("F" if part.out else "P")
    lead = _lead(part)
    made = frame_context(frame, path, (), title="Hosts", description=lead)
    return made | {
        "letter": style,
        "symbol": symbol,
        "word": _word(part.out_total) if part.out else word,
        "lead": lead,
        "out": tuple(_row(path, *one) for one in part.out),
        "out_total": words.number(part.out_total),
        "hosts": tuple(_row(path, *one) for one in part.hosts),
        "hosts_total": words.number(part.total),
        "part": part.number,
        "parts": tuple(
            (str(n), urls.relative(path, urls.hosts_page(n)), n) for n in range(1, part.parts + 1)
        )
        if part.parts > 1
        else (),
    }


def _lead(part: Part) -> str:
    hosts = words.plural(part.total, "host")
    if part.number > 1:
        return f"{hosts}, part {part.number} of {part.parts}."
    if not part.out_total:
        return f"{hosts}; none stands out against the others on the same tests."
    names = ", ".join(name for name, _ in part.out[:3])
    more = " and others" if part.out_total > 3 else ""
    verb = "stands" if part.out_total == 1 else "stand"
    return f"{hosts}; {names}{more} {verb} out against the others on the same tests."


def _word(out: int) -> str:
    return f"{words.number(out)} {'stands' if out == 1 else 'stand'} out"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _row(path: str, host: str, total: Numbers) -> dict[str, object]:
    style, symbol, _ = words.mark("F" if stands_out(total) else "P")
    counts = {"F": total.bad, "P": total.judged - total.bad}
    return {
        "letter": style,
        "symbol": symbol,
        "word": "stands out" if stands_out(total) else "as others",
        "name": host,
        "href": urls.relative(path, urls.host_page(host)),
        "last_seen": words.when(total.last or None),
        "runs": words.number(total.runs),
        "tests": words.number(total.tests),
        "bad": words.number(total.bad) if total.bad else "",
        "bar": charts.pass_bar(counts),
        "bar_label": words.counted(counts),
        "against": _lower(against_others(total)) if total.compared else "",
    }
