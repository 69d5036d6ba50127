"""What makes records cheap to send between workers."""

import functools
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any


class ByValues:
    """A record that is pickled as a call of its class with its values.

    Workers get and give tens of thousands of them; what dataclasses with slots do themselves,
    looking at their fields one by one each time, takes more than twice as long.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        kind: Any = type(self)
        return kind, _values_of(kind)(self)


@functools.cache
def _values_of(kind: Any) -> Callable[[ByValues], tuple[Any, ...]]:
    """Gives all values of a record that has at least two."""
    return attrgetter(*(field.name for field in fields(kind)))
