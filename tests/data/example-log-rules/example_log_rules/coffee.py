"""What a coffee machine says when it can't go on."""

from mtsite.logs.family import Family, Meaning
from mtsite.logs.rule import ERROR, Rule, Sighting, Window


def read_empty(window: Window) -> Sighting | None:
    """The line that says so, with the line after it that names the machine."""
    line = window.line()
    if line.startswith(b"#"):
        return None
    machine = next(window.following(1), b"")
    return Sighting(ERROR, line, more_lines=int(machine.startswith(b"machine ")))


FAMILY = Family(
    name="coffee",
    edition=1,
    rules=(Rule("coffee/empty", rb"out of (?:beans|water)", read_empty, title="Refill"),),
    catalogue=(Meaning("coffee/empty", ERROR, "The machine is empty", "Fill it, then go on."),),
)
