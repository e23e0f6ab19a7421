"""Values of the model as JSON-ready data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


def to_plain(value: object) -> object:
    """Turn any value of the model into dict, list, str, int, float, bool and None.

    Dataclasses become dicts of their fields, tuples and sets become lists (sets sorted), and types of ``packaging``
    become their text. The result of equal values is equal, and its order is fixed.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(str(item) for item in value)
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
