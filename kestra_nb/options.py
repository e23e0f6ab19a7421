"""The settings as each face needs them: arguments of a command line or a magic, JSON schema of a route.

Nothing is declared here; the options are those of :data:`kestra_nb.config.OPTIONS`.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, NoReturn

from kestra_nb.config import OPTIONS, near_miss
from kestra_nb.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kestra_nb.config import Group, Option

_TITLES: Mapping[Group, str] = {
    "flow": "the flow",
    "packages": "its packages",
    "target": "the Kestra installation",
    "files": "what is written",
}


class Parser(argparse.ArgumentParser):
    """An argument parser that raises :class:`ConfigError` in place of ending the process, and names near misses."""

    def error(self, message: str) -> NoReturn:
        """Turn argparse's message into one sentence with the next step."""
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if unknown:
            given = unknown.group(1).partition("=")[0]
            hint = near_miss(given, _flags(self)) if given.startswith("-") else ""
            text = f"{given!r} is no option of {self.prog}."
            raise ConfigError(text, hint=hint or f"See '{self.prog} --help'.")
        text = f"{message[:1].upper()}{message[1:]}."
        raise ConfigError(text, hint=f"See '{self.prog} --help'.")


def _flags(parser: argparse.ArgumentParser) -> set[str]:
    """Give every flag of a parser and of the verbs below it."""
    flags = {flag for action in parser._actions for flag in action.option_strings}  # noqa: SLF001  argparse has no other way
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            flags = flags.union(*(_flags(verb) for verb in action.choices.values()))
    return flags


def add_options(parser: argparse.ArgumentParser, names: Iterable[str] = OPTIONS) -> None:
    """Add options to a parser, grouped; what is not given stays absent from the parsed namespace."""
    groups: dict[Group, argparse._ArgumentGroup] = {}
    for name in names:
        option = OPTIONS[name]
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(_TITLES[option.group])
        _add(groups[option.group], option)


def _add(group: argparse._ArgumentGroup, option: Option) -> None:
    help_text = option.help.replace("%", "%%")
    default = option.default
    if default not in ("", (), False, 0):
        shown = ", ".join(default) if isinstance(default, tuple) else default
        help_text += f" (default: {shown})"
    if option.kind == "flag":
        group.add_argument(
            *option.flags,
            dest=option.name,
            action=argparse.BooleanOptionalAction,
            default=argparse.SUPPRESS,
            help=help_text,
        )
        return
    group.add_argument(
        *option.flags,
        dest=option.name,
        action="append" if option.kind == "list" else "store",
        type=int if option.kind == "number" else str,
        choices=option.choices or None,
        metavar=option.metavar or None,
        default=argparse.SUPPRESS,
        help=help_text,
    )


def given(namespace: argparse.Namespace) -> dict[str, object]:
    """Give the options that the person named, option name → value."""
    return {name: value for name, value in vars(namespace).items() if name in OPTIONS}


def json_schema(names: Iterable[str] = OPTIONS) -> dict[str, object]:
    """Give the JSON Schema (draft 7) of an object that holds these options, for routes and editors."""
    kinds: Mapping[str, dict[str, object]] = {
        "text": {"type": "string"},
        "flag": {"type": "boolean"},
        "number": {"type": "integer"},
        "list": {"type": "array", "items": {"type": "string"}},
    }
    properties: dict[str, object] = {}
    for name in names:
        option = OPTIONS[name]
        rule = dict(kinds[option.kind])
        if option.choices and option.kind == "text":
            rule["enum"] = list(option.choices)
        default = list(option.default) if isinstance(option.default, tuple) else option.default
        properties[name] = {**rule, "description": option.help, "default": default}
    return {"type": "object", "properties": properties, "additionalProperties": False}
