"""`[automigrate]` of megatest.config: which runs go to which area, at which age. Pure.

    [automigrate]
    fullrun_2024 target=%/%/%; runname=%; age=30d

Megatest's grammar drops all but the last of two lines with one key, and its ages count a word
that they don't know as 0: both would let runs go that nobody meant. Here they are mistakes.
"""

from msgspec import Struct

from mtsite.errors import ConfigError
from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.selection import Selection
from mtsite.options import parse_age

SECTION = "automigrate"
_PARTS = ("target", "runname", "age")


class Migration(Struct, frozen=True):
    """Runs that go to another area: its name or path as written, and which runs.

    `where` is file and line of the rule, '' for what was asked for on a command line; `text` is
    the rule in words.
    """

    destination: str
    selection: Selection
    where: str = ""
    text: str = ""


def read_rules(config: ConfigFile) -> tuple[Migration, ...]:
    """The rules of an area, in the order in which they are tried.

    Raises:
        ConfigError: every mistake in them, each with file and line.
    """
    mistakes: list[str] = []
    found: list[Migration] = []
    for destination, text in config.sections.get(SECTION, {}).items():
        places = [f"{file}:{line}" for file, line in config.places(SECTION, destination)]
        where = places[-1] if places else str(config.path)
        if len(places) > 1:
            mistakes.append(f"{where}: {destination} stands twice, and in {', '.join(places[:-1])}")
        elif config.is_unresolved(SECTION, destination):
            mistakes.append(f"{where}: the rule for {destination} is computed by a command")
        else:
            selection, wrong = _selection(text)
            mistakes += [f"{where}: {one}" for one in wrong]
            found.append(Migration(destination, selection, where, f"{destination} {text.strip()}"))
    if mistakes:
        hint = "as in: fullrun_2024 target=%/%/%; runname=%; age=30d"
        raise ConfigError(mistakes, hint)
    return tuple(found)


def _selection(text: str) -> tuple[Selection, list[str]]:
    mistakes: list[str] = []
    given: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or name not in _PARTS:
            mistakes.append(f"{part!r}: a rule has {', '.join(_PARTS)}, each as name=value")
        elif name in given:
            mistakes.append(f"{name} stands twice")
        elif not value:
            mistakes.append(f"{name} is empty")
        else:
            given[name] = value
    age = 0
    try:
        if "age" in given:
            age = parse_age(given["age"])
        elif not mistakes:
            mistakes.append("no age: say for how long a run must have been silent, as age=30d")
    except ValueError as error:
        mistakes.append(str(error))
    target, runname = given.get("target", ""), given.get("runname", "")
    return Selection(target=target, runname=runname, older_than=age), mistakes
