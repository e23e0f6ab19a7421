"""Flows as YAML that Kestra 1.3 and 2.0 take, with a header that tells what made them.

The one place where text is protected from Kestra's template engine, once for each slot: an input file and a command
are rendered once, a value of ``env`` twice.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kestra_nb.errors import FlowError
from kestra_nb.model.flow import SCRIPT_NAME, Expression, Verbatim
from kestra_nb.model.outcome import Bundle, LineMap
from kestra_nb.model.plan import ExtraFile
from kestra_nb.pebble import has_marks, protect
from kestra_nb.yaml_text import Commented, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kestra_nb.model.flow import Flow, Input, Task, Text, Trigger
    from kestra_nb.model.notebook import Script
    from kestra_nb.model.plan import Plan

_FILE_PASSES = 1
_COMMAND_PASSES = 1
_ENV_PASSES = 2
_VALUE_PASSES = 1
_FETCHED = ("kestra://", "nsfile://", "file://")
_MADE_BY = re.compile(r"# Made by (?P<made_by>.+?)(?: from (?P<notebook>.+?))?\. To make it again:")
_COMMAND = re.compile(r"#   (?P<command>.+)")
_HASH = re.compile(r"# (?P<name>source|settings|lock|content) sha256:(?P<value>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """The YAML, and the line (from 1) on which the script's first line stands; 0 when it is not there line by line."""

    yaml: str
    script_first_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a flow was made of: it goes into the header.

    Attributes:
        made_by: ``kestra-nb`` with or without a version.
        notebook: As the person named it; empty for a cell of a live kernel.
        command: The exact command line that makes the flow again, on one line.
        source: SHA-256 of the notebook's code; ``settings`` and ``lock``: of those.
    """

    made_by: str
    notebook: str
    command: str
    source: str
    settings: str
    lock: str

    @property
    def sha256(self) -> str:
        """Of all that the flow was made of."""
        return _sha256(f"{self.source}\n{self.settings}\n{self.lock}\n")


def header_lines(provenance: Provenance) -> tuple[str, ...]:
    """Give the header's lines without the comment sign and without the hash of the content."""
    notebook = f" from {_one_line(provenance.notebook)}" if provenance.notebook else ""
    return (
        f"Made by {_one_line(provenance.made_by)}{notebook}. To make it again:",
        f"  {_one_line(provenance.command)}",
        f"source sha256:{provenance.source}",
        f"settings sha256:{provenance.settings}",
        f"lock sha256:{provenance.lock}",
    )


def header_of(yaml_text: str) -> Mapping[str, str]:
    """Read a header: ``made_by``, ``notebook``, ``command``, ``source``, ``settings``, ``lock``, ``content``.

    Names that are not there are left out; a flow that kestra-nb did not write gives an empty mapping.
    """
    found: dict[str, str] = {}
    for line in _header_part(yaml_text):
        if match := _HASH.fullmatch(line):
            found[match["name"]] = match["value"]
        elif match := _MADE_BY.fullmatch(line):
            found |= {name: value for name, value in match.groupdict().items() if value}
        elif "made_by" in found and "command" not in found and (match := _COMMAND.fullmatch(line)):
            found["command"] = match["command"]
    return found if "made_by" in found else {}


def _header_part(yaml_text: str) -> list[str]:
    """The lines up to the first empty one."""
    lines = yaml_text.replace("\r\n", "\n").split("\n")
    return lines[: lines.index("")] if "" in lines else lines


def content_sha256(yaml_text: str) -> str:
    """Hash the text without its own content line: equal to the header's ``content`` while nobody edited the file."""
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
    comments = "".join(f"{f'# {line}'.rstrip()}\n" for line in flow.header)
    body = render(_flow(flow), blank_lines=True)
    bare = f"{first}{comments}\n{body.text}"
    if not flow.header:
        return Emitted(yaml=bare, script_first_line=_first_line(body.blocks, first, comments))
    comments += f"# content sha256:{_sha256(bare)}\n"
    return Emitted(yaml=f"{first}{comments}\n{body.text}", script_first_line=_first_line(body.blocks, first, comments))


def bundle(
    flow: Flow, plan: Plan, script: Script, *, provenance: Provenance, files: Iterable[ExtraFile] = ()
) -> Bundle:
    """Write the main flow and the plan's further flows, and tie them to what belongs to them.

    Args:
        flow: As ``build`` gives it.
        plan: The plan it was built after.
        script: For the line map.
        provenance: For the header of every flow.
        files: What ``build`` gives beside the flow.
    """
    header = header_lines(provenance)
    emitted = emit(_with_header(flow, header))
    further = tuple(
        ExtraFile(
            path=flow_path(other.id),
            text=emit(_with_header(other, header)).yaml,
            purpose=other.description.split("\n")[0] or f"A further flow, {other.id!r}, that belongs to this one.",
        )
        for other in plan.further_flows
    )
    return Bundle(
        flow=_with_header(flow, header),
        yaml=emitted.yaml,
        path=flow_path(flow.id),
        plan=plan,
        line_map=LineMap(script=script.lines, yaml_first_line=emitted.script_first_line),
        files=(*further, *files),
        sha256=provenance.sha256,
    )


def flow_path(flow_id: str) -> str:
    """Where a flow goes, relative to the export's root; Kestra's git sync and kestractl look there."""
    return f"_flows/{flow_id}.yaml"


def _with_header(flow: Flow, header: tuple[str, ...]) -> Flow:
    return replace(flow, header=header)


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
        values["beforeCommands"] = Commented(values["beforeCommands"], task.comment)
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


def _one_line(text: str) -> str:
    return text.encode("unicode_escape").decode() if not text.isprintable() else text


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
