"""The settings: each one declared here, once, with its default and its help.

Layers, weakest first: default, ``[tool.kestra-nb]`` of a pyproject.toml, environment (``KESTRA_NB_NAMESPACE``),
notebook metadata (``kestra_nb``), the header of the flow that was exported before, the call.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_origin, get_type_hints

from kestra_nb.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kestra_nb.model.dependency import Image
    from kestra_nb.model.plan import FactName, Target

Group = Literal["flow", "packages", "target", "files"]
Kind = Literal["text", "flag", "number", "list"]

FACTS: Mapping[FactName, tuple[bool | None, str]] = {
    "docker": (True, "the workers can start containers"),
    "index": (True, "the workers reach a package index"),
    "uv": (True, "the workers have uv, as Kestra's own images do"),
    "pip": (True, "the workers' Python has pip and venv"),
    "lasting_disk": (None, "the worker's disk outlives an execution"),
    "externally_managed": (None, "the workers' Python refuses pip outside a venv (PEP 668)"),
    "several_workers": (None, "more than one worker takes tasks"),
    "own_registry": (None, "there is a registry to push images to"),
    "own_server": (None, "you may change how the Kestra server is started"),
    "kubernetes": (False, "tasks run as pods (Kestra Enterprise)"),
}
"""What is assumed of a target nobody described, and what each fact means."""


def _option(  # noqa: PLR0913  one keyword for each thing that is said of an option
    help_text: str,
    *,
    default: str | int | bool | tuple[str, ...] = "",
    group: Group,
    flags: tuple[str, ...] = (),
    metavar: str = "",
    choices: tuple[str, ...] = (),
    shapes: bool = True,
) -> Any:  # noqa: ANN401  dataclasses.field is typed as whatever its default is
    metadata = {
        "help": help_text, "group": group, "flags": flags, "metavar": metavar, "choices": choices, "shapes": shapes,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every choice a person can make about one export.

    ``chosen`` names the options that were chosen for this notebook (by the call, the flow's header or the notebook's
    metadata) and not taken from a project's or machine's settings: those travel in the flow's header.
    """

    id: str = _option("the flow's id; made from the notebook's name when not given", group="flow", metavar="ID")
    namespace: str = _option(
        "the flow's namespace", default="company.team", group="flow", flags=("-n",), metavar="NAMESPACE"
    )
    description: str = _option("the flow's description", group="flow", metavar="TEXT")
    strategy: str = _option(
        "how Kestra gets the packages; the recommended one when not given", group="flow", flags=("-s",), metavar="NAME"
    )
    schedule: str = _option("cron expression that starts the flow, such as '0 7 * * 1-5'", group="flow", metavar="CRON")
    timezone: str = _option("IANA time zone of the schedule", default="UTC", group="flow", metavar="ZONE")
    inputs: tuple[str, ...] = _option(
        "default of a flow input; may be repeated", default=(), group="flow", flags=("--input",), metavar="NAME=VALUE"
    )
    outputs: tuple[str, ...] = _option(
        "file or glob the flow keeps; may be repeated", default=(), group="flow", flags=("--output",), metavar="GLOB"
    )
    labels: tuple[str, ...] = _option(
        "label of the flow; may be repeated", default=(), group="flow", flags=("--label",), metavar="KEY=VALUE"
    )
    secrets: tuple[str, ...] = _option(
        "Kestra secret the script finds in its environment; may be repeated",
        default=(), group="flow", flags=("--secret",), metavar="NAME",
    )  # fmt: skip
    timeout: str = _option("ISO 8601 duration after which the task is stopped", group="flow", metavar="PT1H")
    retry: int = _option("how many attempts the task has in all", default=0, group="flow", metavar="N")
    ship: tuple[str, ...] = _option(
        "file beside the notebook that the script reads; may be repeated", default=(), group="flow", metavar="FILE"
    )
    python: str = _option(
        "interpreter whose packages are read; the notebook's kernelspec when not given",
        group="packages", metavar="PATH", shapes=False,
    )  # fmt: skip
    require: tuple[str, ...] = _option(
        "further requirement (PEP 508); may be repeated", default=(), group="packages", metavar="REQUIREMENT"
    )
    accept: tuple[str, ...] = _option(
        "name that is only guessed and may be installed; may be repeated", default=(), group="packages", metavar="NAME"
    )
    lock: bool = _option("resolve a lock for the target with uv, from the index", default=False, group="packages")
    upgrade: bool = _option("make the lock anew", default=False, group="packages", shapes=False)
    hashes: bool = _option("write hashes beside the pins (needs --lock)", default=False, group="packages")
    exclude_newer: str = _option("resolve as of this day", group="packages", metavar="YYYY-MM-DD", shapes=False)
    kestra: tuple[str, ...] = _option(
        "line of Kestra the flow must suit; may be repeated",
        default=("1.3", "2.0"), group="target", metavar="LINE", choices=("1.3", "2.0"),
    )  # fmt: skip
    target_python: str = _option(
        "Python of the workers, such as 3.12; the notebook's own when not given", group="target", metavar="X.Y"
    )
    platform: str = _option(
        "platform of the workers, as uv names it", default="x86_64-unknown-linux-gnu", group="target", metavar="TRIPLE"
    )
    facts: tuple[str, ...] = _option(
        "what is known of the installation, such as docker=no; may be repeated",
        default=(), group="target", flags=("--fact",), metavar="NAME=yes|no|unknown",
    )  # fmt: skip
    registry: str = _option(
        "registry of your own images, such as registry.example.com/team", group="target", metavar="REGISTRY"
    )
    out: str = _option(
        "folder that gets _flows and _files", default=".", group="files", flags=("-o",), metavar="FOLDER", shapes=False
    )
    force: bool = _option(
        "write although findings say no, or over a flow file that was edited",
        default=False,
        group="files",
        shapes=False,
    )
    chosen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One field of :class:`Settings`, as the faces need it."""

    name: str
    kind: Kind
    default: object
    help: str
    group: Group
    flags: tuple[str, ...]
    metavar: str
    choices: tuple[str, ...]
    shapes: bool


def _kind(annotation: object) -> Kind:
    if annotation is bool:
        return "flag"
    if annotation is int:
        return "number"
    return "list" if get_origin(annotation) is tuple else "text"


def _declared_options() -> dict[str, Option]:
    hints = get_type_hints(Settings)
    declared = {}
    for item in dataclasses.fields(Settings):
        if not item.metadata:
            continue
        facts = dict(item.metadata)
        long_flag = "--" + item.name.replace("_", "-")
        own = facts.pop("flags")
        flags = own if any(flag.startswith("--") for flag in own) else (*own, long_flag)
        declared[item.name] = Option(
            name=item.name, kind=_kind(hints[item.name]), default=item.default, flags=flags, **facts
        )
    return declared


OPTIONS: Mapping[str, Option] = _declared_options()


def near_miss(given: str, known: Iterable[str]) -> str:
    """Give `` Did you mean 'x'?`` for the nearest known name, or nothing."""
    import difflib

    close = difflib.get_close_matches(given, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _checked(option: Option, value: object, source: str) -> object:
    """Give the value in the option's own type, or say in one sentence what was expected."""
    expected = {"text": "text", "flag": "true or false", "number": "a whole number", "list": "a list of texts"}
    if option.kind == "list" and isinstance(value, str):
        value = [value]
    good = {
        "text": isinstance(value, str),
        "flag": isinstance(value, bool),
        "number": isinstance(value, int) and not isinstance(value, bool),
        "list": isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value),
    }[option.kind]
    if not good:
        message = f"{option.name!r} in {source} is {value!r}, expected {expected[option.kind]}."
        raise ConfigError(message)
    if option.choices:
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item not in option.choices:
                message = f"{option.name!r} in {source} is {item!r}, expected one of {', '.join(option.choices)}."
                raise ConfigError(message, hint=near_miss(str(item), option.choices))
    return tuple(value) if isinstance(value, (list, tuple)) else value


def merged(
    *layers: tuple[str, Mapping[str, object]], chosen: tuple[tuple[str, Mapping[str, object]], ...] = ()
) -> Settings:
    """Lay the layers over the defaults, weakest first.

    Args:
        layers: (what to call it in a message, option name → value); names with ``-`` are taken as with ``_``.
        chosen: Further layers, stronger ones, that were chosen for this notebook.

    Raises:
        ConfigError: An unknown name (the near miss is named), or a value of the wrong type.
    """
    values: dict[str, Any] = {}
    for source, layer in (*layers, *chosen):
        for raw_name, value in layer.items():
            name = raw_name.replace("-", "_")
            if name not in OPTIONS:
                message = f"{raw_name!r} in {source} is no setting of kestra-nb."
                raise ConfigError(message, hint=near_miss(name, OPTIONS))
            values[name] = _checked(OPTIONS[name], value, source)
    names = frozenset(name.replace("-", "_") for _, layer in chosen for name in layer)
    return Settings(**values, chosen=names)


def from_environment(variables: Mapping[str, str]) -> dict[str, object]:
    """Read ``KESTRA_NB_NAMESPACE`` and its like; lists are separated by commas, flags are ``1`` or ``0``."""
    found: dict[str, object] = {}
    for name, option in OPTIONS.items():
        text = variables.get(f"KESTRA_NB_{name.upper()}")
        if text is None:
            continue
        if option.kind == "list":
            found[name] = [part.strip() for part in text.split(",") if part.strip()]
        elif option.kind == "flag":
            found[name] = text.lower() in {"1", "true", "yes"}
        elif option.kind == "number" and text.isdigit():
            found[name] = int(text)
        else:
            found[name] = text
    return found


def shaping(settings: Settings) -> dict[str, object]:
    """Give the options that shape the flow's bytes and differ from their defaults, in declared order."""
    return {
        name: getattr(settings, name)
        for name, option in OPTIONS.items()
        if option.shapes and getattr(settings, name) != option.default
    }


def remembered(settings: Settings) -> dict[str, object]:
    """Give what was chosen for this notebook and shapes the flow: it travels in the flow's header."""
    return {
        name: getattr(settings, name) for name, option in OPTIONS.items() if option.shapes and name in settings.chosen
    }


def command_words(values: Mapping[str, object]) -> list[str]:
    """Give the words of a command line that sets these options; ``options.add_options`` reads them back the same."""
    words: list[str] = []
    for name, value in values.items():
        option = OPTIONS[name]
        flag = option.flags[-1]
        if option.kind == "flag":
            words.append(flag if value else flag.replace("--", "--no-", 1))
            continue
        items = value if isinstance(value, (tuple, list)) else [value]
        for item in items:
            words += [f"{flag}={item}"] if str(item).startswith("-") else [flag, str(item)]
    return words


def from_words(words: Iterable[str], source: str) -> dict[str, object]:
    """Read back what :func:`command_words` wrote, from a flow's header that a person may have touched.

    Args:
        words: Words of a command line without the command and the notebook.
        source: What to call it in a message.

    Raises:
        ConfigError: A flag that is no option, or one without its value.
    """
    flags = {flag: (option, True) for option in OPTIONS.values() for flag in option.flags}
    flags |= {"--no-" + o.flags[-1][2:]: (o, False) for o in OPTIONS.values() if o.kind == "flag"}
    found: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        flag, equals, inline = word.partition("=")
        if flag not in flags:
            message = f"{flag!r} in {source} is no option of kestra-nb."
            raise ConfigError(message, hint=near_miss(flag, flags))
        option, switch = flags[flag]
        if option.kind == "flag":
            found[option.name] = switch
            continue
        value = inline if equals else next(rest, None)
        if value is None:
            message = f"{flag!r} in {source} has no value."
            raise ConfigError(message)
        if option.kind == "list":
            found.setdefault(option.name, []).append(value)
        else:
            found[option.name] = int(value) if option.kind == "number" and value.isdigit() else value
    return found


def settings_sha256(settings: Settings) -> str:
    """Hash what shapes the flow, so that ``export --check`` sees a changed setting."""
    text = json.dumps(shaping(settings), sort_keys=True, default=list)
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def target_of(settings: Settings, *, notebook_python: str, images: tuple[Image, ...] = ()) -> Target:
    """Describe the target from the settings; what nobody stated is assumed and says so.

    Args:
        settings: Checked settings.
        notebook_python: ``3.11``, taken over when no ``target_python`` is set.
        images: The catalogue.

    Raises:
        ConfigError: A fact with an unknown name or a value that is not yes, no or unknown.
    """
    from kestra_nb.model.plan import Fact, Target

    facts: dict[FactName, Fact] = {name: Fact(value=value) for name, (value, _) in FACTS.items()}
    for text in settings.facts:
        given, _, answer = (part.strip() for part in text.partition("="))
        name = next((known for known in FACTS if known == given), None)
        if name is None:
            message = f"{given!r} is no fact about a Kestra installation; known are {', '.join(FACTS)}."
            raise ConfigError(message, hint=near_miss(given, FACTS))
        if answer.lower() not in _ANSWERS:
            message = f"The fact {text!r} should read {name}=yes, {name}=no or {name}=unknown."
            raise ConfigError(message)
        facts[name] = Fact(value=_ANSWERS[answer.lower()], source="configured")
    return Target(
        kestra=settings.kestra,
        python=settings.target_python or notebook_python,
        platform=settings.platform,
        facts=facts,
        registry=settings.registry,
        images=images,
        python_source="configured" if settings.target_python else "assumed",
    )


_ANSWERS: Mapping[str, bool | None] = {"yes": True, "true": True, "no": False, "false": False, "unknown": None}
