"""What a setting may hold: the kinds of values of `mtsite.toml`, and how one option is declared.

A field of a settings dataclass made by `option` carries its kind, the default as one would write
it, and a sentence. Reading, the table in docs/configuration.md and the file that `mtsite init`
writes all come from that one declaration.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import time as clock_time
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_AGE_PART = re.compile(r"([0-9]{1,9})([smhdwy])")
_SIZE = re.compile(r"([0-9]{1,9}) ?(B|KiB|MiB|GiB|TiB)")
FOREVER = "forever"
ALL = "all"
REQUIRED = object()
NO_SECRETS = "credentials come from boto3's own chain (AWS_* variables, ~/.aws), never from here"


@dataclass(frozen=True)
class Kind:
    """One kind of value: `read` takes what TOML gave, `of_text` an environment variable or flag.

    Both raise ValueError with the reason, as it would follow "KEY: ". `show` writes a value that
    was read as TOML again; paths that are relative are put below the directory given to `read`.
    """

    name: str
    read: Callable[[object, Path], Any]
    of_text: Callable[[str], object] = str
    show: Callable[[Any], str] = lambda value: toml_text(value)


def option(kind: Kind, default: object, sentence: str, *, key: str = "") -> Any:
    """A dataclass field of this kind; `default` is written as in the file, or REQUIRED.

    `key` is its name in the file where that differs from the field's.
    """
    metadata = {"kind": kind, "default": default, "sentence": sentence, "key": key}
    if default is REQUIRED:
        return field(metadata=metadata)
    value = kind.read(default, Path()) if default is not None else None
    if isinstance(value, Mapping):
        return field(default_factory=dict, metadata=metadata)
    return field(default=value, metadata=metadata)


@dataclass(frozen=True)
class Option:
    """One declared option: `default` as in the file, REQUIRED, or None for "not set"."""

    name: str
    attribute: str
    kind: Kind
    default: object
    sentence: str

    @property
    def written(self) -> str:
        """The default as it stands in a file; '' where there is none."""
        return "" if self.default in (None, REQUIRED) else toml_text(self.default)


def options_of(section: type) -> dict[str, Option]:
    """The declared options of a settings dataclass by their name in the file, in order."""
    declared = [
        Option(
            each.metadata["key"] or each.name,
            each.name,
            each.metadata["kind"],
            each.metadata["default"],
            each.metadata["sentence"],
        )
        for each in fields(section)
        if "kind" in each.metadata
    ]
    return {each.name: each for each in declared}


def parse_age(text: str) -> int:
    """Seconds of "30d", "2w", "1y", "12h", "90m", "45s" or a sum such as "1d 12h".

    Raises:
        ValueError: no unit, an unknown unit, or nothing at all.
    """
    parts = text.split()
    matches = [_AGE_PART.fullmatch(part) for part in parts]
    if not parts or None in matches:
        raise ValueError(f'"{text}" is no age: write a number and one of s m h d w y, as "30d"')
    return sum(int(match[1]) * UNITS[match[2]] for match in matches if match)


def show_age(seconds: int | None) -> str:
    """An age in the largest of days, hours, minutes and seconds; None is "forever"."""
    if seconds is None:
        return FOREVER
    for unit in "dhm":
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds // UNITS[unit]}{unit}"
    return f"{seconds}s"


def parse_size(text: str) -> int:
    """Bytes of "256MiB", "4 KiB", "100B".

    Raises:
        ValueError: no unit or an unknown one.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is no size: write a number and B, KiB, MiB or GiB, as "256MiB"')
    return int(match[1]) * SIZES[match[2]]


def show_size(size_bytes: int) -> str:
    """A size in the largest unit that divides it."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size_bytes and size_bytes % SIZES[unit] == 0:
            return f"{size_bytes // SIZES[unit]}{unit}"
    return f"{size_bytes}B"


def toml_text(value: object) -> str:
    """A value as TOML: true, 3, "text", ["a", "b"], { "k" = "v" }."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_key(str(k))} = {toml_text(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_text(each) for each in value) + "]"
    return '"' + "".join(_escaped(character) for character in str(value)) + '"'


def toml_key(name: str) -> str:
    """A key as TOML: bare where it may be, quoted where it must be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_text(name)


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if "\ud800" <= character <= "\udfff":
        return "\\ufffd"
    if character < " " or character == "\x7f":
        return f"\\u{ord(character):04x}"
    return character


def _text(value: object, _: Path) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text in quotes, found {_told(value)}")
    return value


def _told(value: object) -> str:
    names: dict[type, str] = {bool: "true or false", dict: "a table", list: "a list"}
    return names.get(type(value), toml_text(value)[:40])


def _flag(value: object, _: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {_told(value)}")
    return value


def _flag_of_text(text: str) -> object:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
        text.lower(), text
    )


def _number_of_text(text: str) -> object:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text


def whole_number(least: int, most: int) -> Kind:
    """A whole number from `least` to `most`."""

    def read(value: object, _: Path) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(
                f"expected a whole number from {least} to {most}, found {_told(value)}"
            )
        return value

    return Kind(f"number, {least} to {most}", read, _number_of_text)


def one_of(*words: str) -> Kind:
    """One of a few words."""

    def read(value: object, root: Path) -> str:
        if (text := _text(value, root)) not in words:
            raise ValueError(f'"{text}" is none of {", ".join(words)}')
        return text

    return Kind("one of " + ", ".join(words), read)


def ages_by(*words: str) -> Kind:
    """A table of an age for each of some words."""

    def read(value: object, root: Path) -> dict[str, int]:
        if not isinstance(value, Mapping):
            raise ValueError(f'expected a table, as {{ {words[0]} = "2h" }}, found {_told(value)}')
        for name in value:
            if name not in words:
                raise ValueError(f'"{name}" is none of {", ".join(words)}')
        return {str(name): _age(each, root) for name, each in value.items()}

    def show(value: Mapping[str, int]) -> str:
        return toml_text({name: show_age(each) for name, each in value.items()})

    return Kind(f"table of age by {', '.join(words)}", read, show=show)


def few_of(most: int, *words: str) -> Kind:
    """A list of a few words, each once, `most` of them at most."""

    def read(value: object, root: Path) -> tuple[str, ...]:
        found = _texts(value, root)
        for text in found:
            if text not in words:
                raise ValueError(f'"{text}" is none of {", ".join(words)}')
        if len(found) > most or len(set(found)) < len(found):
            raise ValueError(f"at most {most} different ones")
        return found

    return Kind(f"list of {', '.join(words)}", read, TEXTS.of_text)


def _path(value: object, root: Path) -> Path:
    text = _text(value, root)
    if not text or "\0" in text:
        raise ValueError("expected a path")
    try:
        return without_dots(root / Path(text).expanduser())
    except RuntimeError as no_home:
        raise ValueError(f'"{text}": {no_home}') from None


def without_dots(path: Path) -> Path:
    """The same place without `..`; links are followed before the last of these, as they must be."""
    if ".." not in path.parts:
        return path
    last = len(path.parts) - path.parts[::-1].index("..")
    return Path(*path.parts[:last]).resolve().joinpath(*path.parts[last:])


def _age(value: object, _: Path) -> int:
    if not isinstance(value, str):
        raise ValueError(f'expected an age in quotes, as "30d", found {_told(value)}')
    return parse_age(value)


def _age_or_all(value: object, root: Path) -> int | None:
    return None if value == ALL else _age(value, root)


def _age_or_forever(value: object, root: Path) -> int | None:
    return None if value == FOREVER else _age(value, root)


def _size(value: object, _: Path) -> int:
    if not isinstance(value, str):
        raise ValueError(f'expected a size in quotes, as "256MiB", found {_told(value)}')
    return parse_size(value)


def _texts(value: object, root: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f'expected a list, as ["a", "b"], found {_told(value)}')
    return tuple(_text(each, root) for each in value)


def _prefixes(value: object, root: Path) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(f'expected a table, as {{ "/net/h1/" = "/h1/" }}, found {_told(value)}')
    return {str(key): _text(each, root) for key, each in value.items()}


def _values(value: object, root: Path) -> dict[str, dict[str, str]]:
    if not isinstance(value, Mapping) or not all(isinstance(v, Mapping) for v in value.values()):
        raise ValueError('expected section.key = "text", as setup.linktree = "/proj/links"')
    return {
        str(section): {str(key): _text(each, root) for key, each in keys.items()}
        for section, keys in value.items()
    }


def _values_by_name(value: object, root: Path) -> dict[str, dict[str, dict[str, str]]]:
    if not isinstance(value, Mapping):
        raise ValueError('expected TEST.section.key = "text", as sim.items.SEED = "1 2"')
    return {str(name): _values(each, root) for name, each in value.items()}


def _web_address(value: object, root: Path) -> str:
    text = _text(value, root)
    if not text:
        return text
    parts = urlsplit(text)
    _refuse_password(parts)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f'"{text[:80]}" is no http:// or https:// address')
    return text.rstrip("/")


def _links(value: object, root: Path) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(str(title).strip() for title in value):
        raise ValueError('expected "TITLE" = "https://…/{target}/{runname}"')
    found = {str(title): _web_address(each, root) for title, each in value.items()}
    if "" in found.values():
        raise ValueError("an address is empty")
    return found


def _refuse_password(parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise ValueError(f"holds a name or password before the host; {NO_SECRETS}")


def _zone(value: object, root: Path) -> str:
    text = _text(value, root)
    try:
        if text != "UTC":
            ZoneInfo(text)
    except (OSError, ValueError, LookupError):
        raise ValueError(f'"{text}" is no known time zone, as "Europe/Berlin" or "UTC"') from None
    return text


def _clock(value: object, root: Path) -> str:
    text = _text(value, root)
    if not re.fullmatch(r"[0-9]{2}:[0-9]{2}", text):
        raise ValueError(f'"{text}" is no time of day, as "02:00"')
    try:
        clock_time.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is no time of day, as "02:00"') from None
    return text


def _destination(value: object, root: Path) -> str:
    text = _text(value, root)
    if not text:
        return text
    if text.startswith("s3:") and not text.startswith("s3://"):
        raise ValueError(f'"{text[:80]}": an address in a bucket begins with s3://')
    if "://" not in text:
        return str(_path(text, root))
    parts = urlsplit(text)
    _refuse_password(parts)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f'"{text[:80]}" is neither s3://bucket/prefix nor a directory')
    return text.rstrip("/")


def _scheduler(value: object, root: Path) -> str:
    text = _text(value, root)
    return text if not text or "://" in text else str(_path(text, root))


TEXT = Kind("text", _text)
FLAG = Kind("true or false", _flag, _flag_of_text)
PATH = Kind("path", _path)
AGE = Kind("age", _age, show=lambda value: toml_text(show_age(value)))
AGE_OR_ALL = Kind(
    'age or "all"', _age_or_all, show=lambda v: toml_text(ALL if v is None else show_age(v))
)
AGE_OR_FOREVER = Kind('age or "forever"', _age_or_forever, show=lambda v: toml_text(show_age(v)))
SIZE = Kind("size", _size, show=lambda value: toml_text(show_size(value)))
TEXTS = Kind("list of text", _texts, lambda text: [part.strip() for part in text.split(",")])
VALUES = Kind("values by section and key", _values)
TEST_VALUES = Kind("values by test, section and key", _values_by_name)
PREFIXES = Kind("table of prefix = prefix", _prefixes)
LINKS = Kind("table of title = http(s) address", _links)
WEB_ADDRESS = Kind("http(s) address", _web_address)
ZONE = Kind("time zone", _zone)
CLOCK = Kind("time of day", _clock)
SCHEDULER = Kind("address or path", _scheduler)
DESTINATION = Kind("s3:// address or directory", _destination)
