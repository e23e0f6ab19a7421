"""What Kestra would refuse, or notice only when the flow runs, in a finished bundle.

Everything is looked for in the YAML as it is read back, not in the values it was made of, so that a mistake of the
writer shows as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from kestra_nb import rules
from kestra_nb.literals import holds_secret, names_secret
from kestra_nb.model.finding import Finding, Location
from kestra_nb.model.flow import DOCKER, WORKING_DIRECTORY, Verbatim
from kestra_nb.pebble import decoded, has_marks, literal_source, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kestra_nb.model.finding import Severity
    from kestra_nb.model.flow import Task, Text
    from kestra_nb.model.outcome import Bundle

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Linux: one argument or one environment string, its end included (MAX_ARG_STRLEN).
_ARGUMENT_LIMIT = 128 * 1024
#: Left for what Kestra puts before the commands.
_ARGUMENT_RESERVE = 1024
#: Code points that the YAML reader of Kestra takes in one document (1.3.31 and 2.0.0).
_YAML_LIMIT = 3 * 1024 * 1024
_INT_LIMIT = 2**31
#: Types that one of the two lines does not know any more, or not yet (2.0's migration guide).
_REFUSED_TYPES = re.compile(
    r"io\.kestra\.core\..+|.+\.(?:ForEach|ForEachItem|EachParallel|EachSequential|LocalFiles|Template|Echo|Loop)"
)
_REFUSED_INPUTS = {"BOOLEAN": "BOOL", "ENUM": "SELECT"}
_REFUSED_KEYS = frozenset(
    ["pluginDefaults", "taskDefaults", "listeners", "docker", "runner", "conditions", "preconditions", "when", "draft"]
)
_VERBATIM = re.compile(r"\{% verbatim %\}.*?\{% endverbatim %\}", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_REFERENCE = re.compile(r"\b(inputs|outputs)(?:\.(\w+)|\[\s*['\"]([^'\"]+)['\"]\s*\])")
_OUTPUT_FILE = re.compile(r"\boutputs\.(\w+)\.outputFiles\[\s*'((?:[^'\\]|\\.)*)'\s*\]")


def check(bundle: Bundle) -> tuple[Finding, ...]:
    """Look at a bundle as a server and a worker would, on Kestra 1.3 and on 2.0.

    Args:
        bundle: With all its files; further flows are looked at too.

    Returns:
        KNB410 to KNB421, errors first.
    """
    too_long = [finding for path, text in _flows(bundle) for finding in _size(text, path)]
    if too_long:
        return tuple(too_long)
    flows = {path: yaml.load(text, Loader=_LOADER) for path, text in _flows(bundle)}  # noqa: S506  both are safe loaders
    findings = [*_arrival(bundle, flows[bundle.path]), *_secrets(bundle), *_uploads(bundle)]
    findings += [finding for path, flow in flows.items() for look in _LOOKS for finding in look(flow, path)]
    return tuple(sorted(findings, key=lambda finding: finding.severity != "error"))


def _flows(bundle: Bundle) -> Iterator[tuple[str, str]]:
    yield bundle.path, bundle.yaml
    for file in bundle.files:
        if file.path.startswith("_flows/") and file.path.endswith(".yaml"):
            yield file.path, file.text


def _finding(code: str, message: str, hint: str, place: str | Location, *, severity: Severity = "error") -> Finding:
    location = Location(path=place) if isinstance(place, str) else place
    return Finding(code=code, severity=severity, message=message, hint=hint, location=location)


def _size(text: str, path: str) -> Iterator[Finding]:
    if len(text) > _YAML_LIMIT:
        message = f"The flow has {len(text)} characters; Kestra reads at most {_YAML_LIMIT} in one YAML document."
        yield _finding("KNB421", message, "Keep data in files beside the notebook and name them with --ship.", path)


# --- what a task receives ---------------------------------------------------------------------------------------------


def _arrival(bundle: Bundle, flow: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare each text with what the task gets after the YAML was read and Pebble has rendered it."""
    for task, read in zip(_tasks_of(bundle.flow.tasks), _tasks(flow), strict=True):
        for name, text, arrived in _texts(task, read):
            if arrived != text:
                message = f"{name} of the task {task.id!r} would not reach the task as it was written."
                yield _finding("KNB410", message, "Please report this, with the cell it comes from.", bundle.path)


def _texts(task: Task, read: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    slots: list[tuple[str, Text, object, int]] = []
    slots += [(name, text, read["inputFiles"][name], 1) for name, text in task.input_files.items()]
    slots += [(name, text, read["env"][name], 2) for name, text in task.env.items()]
    for ours, key in ((task.before_commands, "beforeCommands"), (task.commands, "commands")):
        slots += [(key, text, written, 1) for text, written in zip(ours, read.get(key, ()), strict=True)]
    for name, text, written, passes in slots:
        if isinstance(text, Verbatim):
            yield name, text.text, _arrived(str(written), passes, python=text.python)


def _arrived(written: str, passes: int, *, python: bool) -> str | None:
    """Follow a text to the task; for Python source to ``compile``, with the decoding of PEP 263 between."""
    source = literal_source(written) if python else None
    if source is not None:
        return source
    text = restore(written, passes=passes)
    return decoded(text) if python and text is not None else text


def _tasks_of(tasks: tuple[Task, ...]) -> Iterator[Task]:
    for task in tasks:
        yield task
        yield from _tasks_of(task.tasks)


def _tasks(flow: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for task in flow.get("tasks", ()):
        yield task
        yield from _tasks(task)


# --- the flow as a server reads it ------------------------------------------------------------------------------------


def _names(flow: Mapping[str, Any], path: str) -> Iterator[Finding]:
    named = [("namespace", flow.get("namespace", ""), rules.NAMESPACE), ("flow id", flow.get("id", ""), rules.FLOW_ID)]
    named += [("task id", task["id"], rules.TASK_ID) for task in _tasks(flow)]
    named += [("trigger id", trigger["id"], rules.TASK_ID) for trigger in flow.get("triggers", ())]
    named += [("input id", item["id"], rules.INPUT_ID) for item in flow.get("inputs", ())]
    named += [("output id", item["id"], rules.INPUT_ID) for item in flow.get("outputs", ())]
    named += [("label", key, rules.LABEL_KEY) for key in flow.get("labels", ())]
    for what, name, rule in named:
        if rule.fullmatch(str(name)) is None:
            message = f"Kestra takes no {what} {name!r}; it must match {rule.pattern}."
            yield _finding("KNB411", message, "Rename it.", path)
    if flow.get("id") in rules.RESERVED_FLOW_IDS:
        yield _finding("KNB411", f"The flow id {flow['id']!r} is reserved by Kestra.", "Take another id.", path)
    for key, value in flow.get("labels", {}).items():
        if str(key).startswith("system.") and key != "system.readOnly":
            yield _finding("KNB411", f"The label {key!r} is reserved by Kestra.", "Take another name.", path)
        if value == "":
            yield _finding("KNB411", f"The label {key!r} is empty, which Kestra refuses.", "Give it a value.", path)


def _doubles(flow: Mapping[str, Any], path: str) -> Iterator[Finding]:
    groups = {"task": list(_tasks(flow))} | {
        f"{key[:-1]}": flow.get(key, []) for key in ("inputs", "outputs", "triggers")
    }
    for what, items in groups.items():
        seen: set[str] = set()
        for item in items:
            if item["id"] in seen:
                yield _finding("KNB412", f"Two {what}s have the id {item['id']!r}.", "Rename one of them.", path)
            seen.add(item["id"])


def _refused(flow: Mapping[str, Any], path: str) -> Iterator[Finding]:
    for key, value in _pairs({name: part for name, part in flow.items() if name not in {"labels", "description"}}):
        if key in _REFUSED_KEYS:
            yield _finding("KNB413", f"The property {key!r} is not known to both Kestra 1.3 and 2.0.", "", path)
        if key == "type" and isinstance(value, str) and _REFUSED_TYPES.fullmatch(value):
            yield _finding("KNB413", f"The type {value!r} is not known to both Kestra 1.3 and 2.0.", "", path)
    for item in flow.get("inputs", ()):
        if item["type"] in _REFUSED_INPUTS:
            message = f"Kestra 2.0 refuses the input type {item['type']!r} of {item['id']!r}."
            yield _finding("KNB413", message, f"Take {_REFUSED_INPUTS[item['type']]!r}.", path)

    for trigger in flow.get("triggers", ()):
        if "L" in str(trigger.get("cron", "")):
            message = f"Kestra 1.3 refuses the cron expression {trigger['cron']!r}: it does not know 'L'."
            yield _finding("KNB413", message, "Name the day.", path)


def _pairs(value: object) -> Iterator[tuple[str, object]]:
    """Keys that are Kestra's own; names of files, variables and input values are the person's."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key), item
            if key not in {"inputFiles", "env", "defaults"} and not (key == "inputs" and isinstance(item, dict)):
                yield from _pairs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _pairs(item)


def _references(flow: Mapping[str, Any], path: str) -> Iterator[Finding]:
    inputs = {item["id"] for item in flow.get("inputs", ())}
    tasks = {task["id"]: task for task in _tasks(flow)}
    for text in _strings({key: value for key, value in flow.items() if key not in {"description", "labels"}}):
        for expression in _EXPRESSION.findall(_VERBATIM.sub("", text)):
            for kind, dotted, quoted in _REFERENCE.findall(expression):
                known = inputs if kind == "inputs" else tasks
                if (dotted or quoted) not in known:
                    what = "an input" if kind == "inputs" else "a task"
                    message = (
                        f"'{{{{{expression}}}}}' asks for {what} {dotted or quoted!r}, which the flow does not have."
                    )
                    yield _finding("KNB414", message, f"Known are: {', '.join(sorted(known)) or 'none'}.", path)
            for task_id, name in _OUTPUT_FILE.findall(expression):
                kept = tasks.get(task_id, {}).get("outputFiles", ())
                if task_id in tasks and re.sub(r"\\(.)", r"\1", name) not in kept:
                    message = f"'{{{{{expression}}}}}' asks for the file {name!r}, which the task does not keep."
                    yield _finding("KNB414", message, "Add it to the task's outputFiles.", path)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _values(flow: Mapping[str, Any], path: str) -> Iterator[Finding]:
    for item in flow.get("inputs", ()):
        default = item.get("defaults")
        if item["type"] == "INT" and isinstance(default, int) and not -_INT_LIMIT <= default < _INT_LIMIT:
            message = f"The default {default} of the input {item['id']!r} is no 32-bit number, which Kestra's INT is."
            yield _finding("KNB415", message, "Give a smaller one.", path)
    needed = {
        item["id"] for item in flow.get("inputs", ()) if item.get("required", True) and item.get("defaults") is None
    }
    for trigger in flow.get("triggers", ()):
        for name in sorted(needed - set(trigger.get("inputs", ()))):
            message = (
                f"The trigger {trigger['id']!r} gives the required input {name!r} no value, so it would never start."
            )
            yield _finding("KNB415", message, f"Give it a default: --input {name}=VALUE.", path)


def _limits(flow: Mapping[str, Any], path: str) -> Iterator[Finding]:
    for task in _tasks(flow):
        shell = "\n".join([*task.get("beforeCommands", ()), *task.get("commands", ())])
        size = len(shell.encode("utf-8", "surrogatepass"))
        if size > _ARGUMENT_LIMIT - _ARGUMENT_RESERVE:
            message = f"The commands of the task {task['id']!r} take {size} bytes; Linux takes 128 KiB in one argument."
            yield _finding("KNB416", message, "Put them into a script that the flow uploads.", path)
        for name, value in task.get("env", {}).items():
            size = len(f"{name}={value}".encode("utf-8", "surrogatepass"))
            if size >= _ARGUMENT_LIMIT:
                message = f"The variable {name!r} of the task {task['id']!r} takes {size} bytes; Linux takes 128 KiB."
                yield _finding("KNB416", message, "Hand it over as a file.", path)


def _places(flow: Mapping[str, Any], path: str) -> Iterator[Finding]:
    for task in _tasks(flow):
        for pattern in task.get("outputFiles", ()):
            if pattern.startswith(("/", "~")) or ".." in pattern.split("/"):
                message = f"Kestra keeps no file outside the task's folder, as {pattern!r} asks for."
                yield _finding("KNB417", message, "Let the notebook write it into its own folder.", path)
        image, runner = task.get("containerImage", ""), task.get("taskRunner", {}).get("type")
        if "@sha256:" in image and runner == DOCKER.type:
            message = f"Kestra's Docker runner pulls no image by digest, as {image!r} asks for."
            yield _finding("KNB418", message, "Mirror the image under a tag of its own.", path)
        if task.get("cache") and task["type"] != WORKING_DIRECTORY:
            yield _finding("KNB413", f"Only a WorkingDirectory has a cache, not {task['type']!r}.", "", path)


# --- the bundle -------------------------------------------------------------------------------------------------------


def _uploads(bundle: Bundle) -> Iterator[Finding]:
    for file in bundle.files:
        if file.upload and " " in file.path:
            message = f"Kestra stores the space in {file.path!r} as a plus sign, so the file would not be found."
            yield _finding("KNB419", message, "Rename the file without a space.", file.path)
        if file.upload and has_marks(file.path):
            yield _finding("KNB419", f"The name {file.path!r} holds template marks.", "Rename the file.", file.path)


def _secrets(bundle: Bundle) -> Iterator[Finding]:
    """Point at what looks like a secret outside the script, whose own the reading of the notebook finds."""
    hint = "Keep it as a Kestra secret: --secret NAME puts it into the environment of the script."
    first = bundle.line_map.yaml_first_line
    script = range(first, first + len(bundle.line_map.script)) if first else range(0)
    for number, line in enumerate(bundle.yaml.split("\n"), 1):
        if number not in script and holds_secret(line):
            message = (
                "This line of the flow holds what looks like a secret, and everyone who sees the flow can read it."
            )
            yield _finding("KNB420", message, hint, Location(path=bundle.path, line=number), severity="warning")
    for item in bundle.flow.inputs:
        if item.default and names_secret(item.id):
            message = (
                f"The default of the input {item.id!r} looks like a secret, and everyone who sees the flow can read it."
            )
            yield _finding("KNB420", message, hint, bundle.path, severity="warning")


_LOOKS: tuple[Callable[[Mapping[str, Any], str], Iterator[Finding]], ...] = (
    _names,
    _doubles,
    _refused,
    _references,
    _values,
    _limits,
    _places,
)
