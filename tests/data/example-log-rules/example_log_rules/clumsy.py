"""A family whose every function fails."""

from mtsite.logs.family import Analysis, Family, Log, Meaning
from mtsite.logs.rule import ERROR, Rule, Sighting, Window


def read(window: Window) -> Sighting:
    raise KeyError("cup")


def claims(name: str, head: bytes) -> bool:
    if name.endswith("other.log"):
        raise OSError("spilt")
    return head.startswith(b"brew")


def analyse(log: Log) -> Analysis:
    raise ZeroDivisionError("no cups")


FAMILY = Family(
    name="clumsy",
    edition=1,
    rules=(Rule("clumsy/drop", rb"out of", read),),
    catalogue=(Meaning("clumsy/drop", ERROR, "Dropped", ""),),
    claims=claims,
    analyse=analyse,
)
