"""Counts and sizes as people say them on a terminal. Pure."""

_NOUNS = "areas runs tests rows logs files findings requests secrets notes databases objects"
_ONE = {noun: noun.removesuffix("s") for noun in _NOUNS.split()}


def counted(number: int, what: str) -> str:
    """A count of a step as people say it: "1 area", "12,345 files written", "1.5 MB sent"."""
    unit, _, rest = what.partition(" ")
    if unit == "bytes":
        return f"{size(number)} {rest}"
    noun = _ONE.get(unit, unit) if number == 1 else unit
    return f"{number:,} {noun} {rest}".rstrip()


def plural(count: int, noun: str, many: str = "") -> str:
    """'1 test', '12,400 tests'; `many` where the plural doesn't end in s."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def size(count: int) -> str:
    """'812 B', '12.3 kB': powers of 1,000, as disks are sold."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
