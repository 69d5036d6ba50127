"""Whether values are what the hints of a record say: for records that others could write.

What reads the JSON of our own tree trusts it, for speed. What comes from elsewhere has the right
keys as soon as somebody wants it to; a number in place of a name would end a build much later.
"""

import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct


def fits(value: object, hint: Any) -> bool:
    """Whether a value is of a hint: structs, tuples, mappings, unions and plain types.

    An int will do for a float, and a float for an int: JSON has one kind of number.
    """
    if hint is Any:
        return True
    if isinstance(hint, type) and issubclass(hint, Struct):
        return type(value) is hint and all(
            fits(getattr(value, name), each) for name, each in _hints(hint)
        )
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return isinstance(value, tuple) and _all_fit(value, inner)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            fits(key, inner[0]) and fits(each, inner[1]) for key, each in value.items()
        )
    if origin in (Union, types.UnionType):
        return any(fits(value, each) for each in inner)
    if hint in (int, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, getattr(hint, "__supertype__", hint))


def _all_fit(value: tuple[object, ...], inner: tuple[Any, ...]) -> bool:
    if inner[-1] is Ellipsis:
        return all(fits(one, inner[0]) for one in value)
    return len(value) == len(inner) and all(map(fits, value, inner))


@cache
def _hints(kind: Any) -> tuple[tuple[str, Any], ...]:
    found = get_type_hints(kind)
    return tuple((name, found[name]) for name in kind.__struct_fields__)
