"""Flows as YAML that Kestra 1.3 and 2.0 take, with a header that tells what made them.

The one place where text is protected from Kestra's template engine, once for each slot: an input file and a command
are rendered once, a value of ``env`` twice.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shlex
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kestra_nb.config import command_words, remembered, settings_sha256
from kestra_nb.errors import FlowError
from kestra_nb.model.flow import SCRIPT_NAME, Expression, Verbatim
from kestra_nb.model.outcome import Bundle, LineMap
from kestra_nb.model.plan import ExtraFile
from kestra_nb.pebble import has_marks, protect
from kestra_nb.yaml_text import Commented, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.config import Settings
    from kestra_nb.model.flow import Flow, Input, Task, Text, Trigger
    from kestra_nb.model.plan import Case, Plan

_FILE_PASSES = 1
_COMMAND_PASSES = 1
_ENV_PASSES = 2
_VALUE_PASSES = 1
_FETCHED = ("kestra://", "nsfile://", "file://")
_MADE_BY = re.compile(r"# Made by kestra-nb(?: from (?P<notebook>.+)\. To make it again:)?.*")
_COMMAND = re.compile(r"#   (?P<command>.*)")
_HASH = re.compile(r"# (?P<name>source|settings|lock|content) sha256:(?P<value>[0-9a-f]*)")
_COMMENT_WIDTH = 96
#: Hexadecimal digits of a hash that a header shows.
SHOWN_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """The YAML, and the line (from 1) on which the script's first line stands; 0 when it is not there line by line."""

    yaml: str
    script_first_line: int


def header_lines(case: Case, settings: Settings, *, notebook: str, source_sha256: str) -> tuple[str, ...]:
    """Give the header's lines without the comment sign and without the hash of the content.

    Args:
        case: Its lock's hash goes in.
        settings: What was chosen for this notebook stands in the command line; ``settings_sha256`` is over all that
            shapes the flow.
        notebook: As the person named it; empty for a cell of a live kernel, which no command line makes again.
        source_sha256: Of the notebook's code and the files that go with it.
    """
    hashes = {"source": source_sha256, "settings": settings_sha256(settings), "lock": case.lock.sha256}
    lines = [f"{name} sha256:{value[:SHOWN_DIGITS]}" for name, value in hashes.items()]
    if not notebook:
        return ("Made by kestra-nb from a live notebook.", *lines)
    words = ["kestra-nb", "export", notebook, *command_words(remembered(settings))]
    return (
        f"Made by kestra-nb from {_printable(notebook)}. To make it again:",
        *(f"  {_printable(line)}" for line in shlex.join(words).split("\n")),
        *lines,
    )


def header_of(yaml_text: str) -> Mapping[str, str]:
    """Read a header: ``notebook``, ``command``, and 16 digits of the hashes ``source settings lock content``.

    Names that are not there are left out; a flow that kestra-nb did not write gives an empty mapping.
    """
    found: dict[str, str] = {}
    command: list[str] = []
    is_ours = False
    for line in _header_part(yaml_text):
        if match := _HASH.fullmatch(line):
            found[match["name"]] = match["value"]
        elif match := _MADE_BY.fullmatch(line):
            is_ours = True
            found |= {name: value for name, value in match.groupdict().items() if value}
        elif "notebook" in found and (match := _COMMAND.fullmatch(line)):
            command.append(match["command"])
    if command:
        found["command"] = "\n".join(command)
    return found if is_ours else {}


def _header_part(yaml_text: str) -> list[str]:
    """The lines up to the first empty one."""
    lines = yaml_text.replace("\r\n", "\n").split("\n")
    return lines[: lines.index("")] if "" in lines else lines


def content_sha256(yaml_text: str) -> str:
    """Hash the text without its own content line.

    The first 16 digits are the header's ``content`` for as long as nobody has edited the file.
    """
    lines = yaml_text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(_header_part(yaml_text)):
        match = _HASH.fullmatch(line)
        if match and match["name"] == "content":
            return _sha256("\n".join(lines[:number] + lines[number + 1 :]))
    return _sha256("\n".join(lines))


def emit(flow: Flow) -> Emitted:
    """Write a flow as YAML: ``id`` and ``namespace`` on the first two lines, then the header, then the rest.

    Raises:
        FlowError: A bare string stands where a ``Verbatim`` or an ``Expression`` is due; text cannot be protected; or
            template marks stand where Kestra would read them.
    """
    first = render({"id": flow.id, "namespace": flow.namespace}).text
    comments = "".join(f"# {line}\n" for line in flow.header)
    body = render(_flow(flow), blank_lines=True)
    bare = f"{first}{comments}\n{body.text}"
    if not flow.header:
        return Emitted(yaml=bare, script_first_line=_first_line(body.blocks, first, comments))
    comments += f"# content sha256:{_sha256(bare)[:SHOWN_DIGITS]}\n"
    return Emitted(yaml=f"{first}{comments}\n{body.text}", script_first_line=_first_line(body.blocks, first, comments))


def bundle(  # noqa: PLR0913  the header tells of each
    flow: Flow,
    files: tuple[ExtraFile, ...],
    case: Case,
    plan: Plan,
    settings: Settings,
    *,
    notebook: str,
    source_sha256: str,
) -> Bundle:
    """Write the main flow and the plan's further flows, and tie them to what belongs to them.

    Args:
        flow: As ``build`` gives it, with ``files`` beside it.
        files: Files of the plan and of the notebook.
        case: What is exported; its script makes the line map.
        plan: The plan that the flow was built after.
        settings: As for ``build``.
        notebook: Path of the notebook for the header, as the person named it; empty for a live kernel.
        source_sha256: Of the notebook's code and the files that go with it.
    """
    header = header_lines(case, settings, notebook=notebook, source_sha256=source_sha256)
    main = dataclasses.replace(flow, header=header)
    emitted = emit(main)
    return Bundle(
        flow=main,
        yaml=emitted.yaml,
        path=flow_path(flow.id),
        plan=plan,
        line_map=LineMap(script=case.script.lines, yaml_first_line=emitted.script_first_line),
        files=(*(_further(other, flow.id) for other in plan.further_flows), *files),
        sha256=_sha256("\n".join((source_sha256, settings_sha256(settings), case.lock.sha256))),
    )


def _further(flow: Flow, main_id: str) -> ExtraFile:
    text = emit(dataclasses.replace(flow, header=(f"Made by kestra-nb for the flow '{main_id}'.",))).yaml
    purpose = flow.description.split("\n")[0] or f"The flow {flow.id!r}, which belongs to {main_id!r}."
    return ExtraFile(path=flow_path(flow.id), text=text, purpose=purpose)


def flow_path(flow_id: str) -> str:
    """Where a flow goes, relative to the export's root; Kestra's git sync and kestractl look there."""
    return f"_flows/{flow_id}.yaml"


def _first_line(blocks: Mapping[tuple[str | int, ...], int], *above: str) -> int:
    number = next((line for path, line in blocks.items() if path[-2:] == ("inputFiles", SCRIPT_NAME)), 0)
    return number + sum(text.count("\n") for text in above) + 1 if number else 0


def _flow(flow: Flow) -> dict[str, object]:
    return _filled({
        "description": flow.description,
        "labels": dict(flow.labels),
        "inputs": [_input(item) for item in flow.inputs],
        "tasks": [_task(task) for task in flow.tasks],
        "outputs": [{"id": item.id, "type": item.type, "value": item.value.text} for item in flow.outputs],
        "triggers": [_trigger(trigger) for trigger in flow.triggers],
    })  # fmt: skip


def _input(item: Input) -> dict[str, object]:
    values = _filled({
        "id": item.id,
        "type": item.type,
        "itemType": item.item_type,
        "description": item.description,
        "values": list(item.values),
    })  # fmt: skip
    if item.default is not None:
        return values | {"defaults": _value(item.default)}
    return values if item.required else values | {"required": False}


def _trigger(trigger: Trigger) -> dict[str, object]:
    return _filled({
        "id": trigger.id,
        "type": trigger.type,
        "cron": trigger.cron,
        "timezone": trigger.timezone,
        "inputs": {name: _value(value) for name, value in trigger.inputs.items()},
    })  # fmt: skip


def _task(task: Task) -> dict[str, object]:
    values = _filled({
        "id": task.id,
        "type": task.type,
        "description": task.description,
        "taskRunner": _runner(task),
        "containerImage": _rendered(task.container_image, "containerImage"),
        "pythonVersion": _rendered(task.python_version, "pythonVersion"),
        "packageManager": task.package_manager,
        "dependencies": [_rendered(line, "dependencies") for line in task.dependencies],
        "cache": {"patterns": list(task.cache.patterns), "ttl": task.cache.ttl} if task.cache else None,
        "env": {name: _protected(text, f"env.{name}", _ENV_PASSES) for name, text in task.env.items()},
        "namespaceFiles": _namespace_files(task),
        "beforeCommands": [_command(text) for text in task.before_commands],
        "commands": [_command(text) for text in task.commands],
        "outputFiles": [_rendered(pattern, "outputFiles") for pattern in task.output_files],
        "timeout": task.timeout,
        "retry": _retry(task),
        "inputFiles": {_rendered(name, "inputFiles"): _file(name, text) for name, text in task.input_files.items()},
        "tasks": [_task(child) for child in task.tasks],
    })  # fmt: skip
    if task.comment and "beforeCommands" in values:
        values["beforeCommands"] = Commented(values["beforeCommands"], textwrap.fill(task.comment, _COMMENT_WIDTH))
    return values


def _runner(task: Task) -> dict[str, object]:
    return _filled({"type": task.runner.type, "pullPolicy": task.runner.pull_policy}) if task.runner else {}


def _retry(task: Task) -> dict[str, object]:
    if task.retry is None:
        return {}
    return {"type": "constant", "interval": task.retry.interval, "maxAttempts": task.retry.max_attempts}


def _namespace_files(task: Task) -> dict[str, object]:
    if not task.namespace_files:
        return {}
    return {"enabled": True, "include": [_rendered(pattern, "namespaceFiles") for pattern in task.namespace_files]}


def _file(name: str, text: Text) -> str:
    slot = f"inputFiles.{name}"
    written = _protected(text, slot, _FILE_PASSES)
    if isinstance(text, Verbatim) and text.text.startswith(_FETCHED):
        message = f"The text of {slot} begins like the address of a file, which Kestra would fetch in its place."
        raise FlowError(message, hint="Begin it with a comment line.", code="KNB404")
    return written


def _command(text: Text) -> str:
    written = _protected(text, "commands", _COMMAND_PASSES)
    if isinstance(text, Verbatim) and "kestra://" in text.text:
        message = f"The command {text.text!r} holds 'kestra://', which Kestra would fetch and replace."
        raise FlowError(message, hint="Take that address out of the command.", code="KNB404")
    return written


def _protected(text: object, slot: str, passes: int) -> str:
    """Escape for a slot, and refuse text of which nobody said what it is."""
    if isinstance(text, Expression):
        return text.text
    if not isinstance(text, Verbatim):
        message = f"{slot} holds a bare string, expected a Verbatim or an Expression."
        raise FlowError(message, code="KNB403")
    return protect(text.text, passes=passes, python=text.python)


def _rendered(text: str, slot: str) -> str:
    """Let a plain property pass that Kestra renders, as long as there is nothing in it to render."""
    if has_marks(text):
        message = f"{slot} holds {text!r}, in which Kestra would read template marks."
        raise FlowError(message, hint="Rename it, so that no '{' stands before '{', '%' or '#'.", code="KNB402")
    return text


def _value(value: object) -> object:
    """Protect the strings of an input's value, which Kestra renders once."""
    if isinstance(value, str):
        return protect(value, passes=_VALUE_PASSES, python=False)
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    return value


def _filled(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value not in ("", None, [], {}, ())}


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
