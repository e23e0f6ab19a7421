"""A case and a plan become a flow.

The script is an input file of the one Python task and keeps its name in tracebacks; what a strategy wants to run before
it is a file of its own, so that the script's source stays what the notebook says.
"""

from __future__ import annotations

import json
import re
from itertools import chain, count
from typing import TYPE_CHECKING

from kestra_nb.errors import ConfigError, FlowError, StrategyError
from kestra_nb.model.flow import (
    PYTHON_COMMANDS,
    SCRIPT_NAME,
    WORKING_DIRECTORY,
    Expression,
    Flow,
    Input,
    Output,
    Retry,
    Task,
    Trigger,
    Verbatim,
)
from kestra_nb.model.plan import ExtraFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kestra_nb.config import Settings
    from kestra_nb.model.dependency import LocalFile
    from kestra_nb.model.flow import Text
    from kestra_nb.model.notebook import Parameter
    from kestra_nb.model.plan import Case, Plan, TaskSettings

CHECK_NAME = "check_packages.py"
PARAMETERS_NAME = "params.json"
TASK_ID = "run"
FOLDER_ID = "workdir"
_GLOB = re.compile(r"[*?\[\]{}]")
_WORD = re.compile(r"[^a-zA-Z0-9]+")


def build(case: Case, plan: Plan, settings: Settings) -> tuple[Flow, tuple[ExtraFile, ...]]:
    """Build the main flow, and list the files that belong to it.

    Args:
        case: What is exported.
        plan: One of its plans, one that fits.
        settings: The person's choices: description, inputs, outputs, labels, secrets, timeout, retry.

    Returns:
        The flow without its header, and the plan's files followed by the local ones (to upload).

    Raises:
        StrategyError: The plan does not fit.
        ConfigError: An input that the notebook does not have, or a value of the wrong type.
        FlowError: A local file has the name of a file that the flow makes.
    """
    if plan.settings is None:
        message = f"The strategy {plan.strategy!r} does not fit: {' '.join(plan.reasons)}"
        raise StrategyError(message)
    task = _task(case, plan, plan.settings, settings)
    if plan.cache is not None:
        task = Task(id=FOLDER_ID, type=WORKING_DIRECTORY, cache=plan.cache, tasks=(task,))
    flow = Flow(
        id=case.name,
        namespace=case.namespace,
        description=settings.description,
        labels=_labels(settings.labels),
        inputs=_inputs(case.script.parameters, settings.inputs),
        tasks=(task,),
        outputs=_outputs(_kept(settings.outputs)),
        triggers=_triggers(case),
    )
    return flow, (*plan.files, *_uploads(case))


def _task(case: Case, plan: Plan, chosen: TaskSettings, settings: Settings) -> Task:
    input_files = _input_files(case, plan, chosen)
    _refuse_clash(case.resolution.local_files, input_files)
    check = (Verbatim(f"{chosen.interpreter} {CHECK_NAME}"),) if plan.preamble else ()
    return Task(
        id=TASK_ID,
        type=PYTHON_COMMANDS,
        runner=chosen.runner,
        container_image=chosen.container_image,
        python_version=chosen.python_version,
        package_manager=chosen.package_manager,
        dependencies=chosen.dependencies,
        namespace_files=(f"{case.name}/**",) if case.resolution.local_files else (),
        input_files=input_files,
        env={**chosen.env, **_secrets(settings.secrets)},
        before_commands=(*_local_commands(case), *chosen.before_commands),
        commands=(*check, Verbatim(f"{chosen.interpreter} {SCRIPT_NAME}")),
        output_files=_kept(settings.outputs),
        timeout=settings.timeout,
        retry=Retry(max_attempts=settings.retry) if settings.retry > 1 else None,
        comment=plan.summary if chosen.before_commands else "",
    )


def _input_files(case: Case, plan: Plan, chosen: TaskSettings) -> Mapping[str, Text]:
    files: dict[str, Text] = {}
    if case.script.parameters:
        files[PARAMETERS_NAME] = Expression("{{ inputs | toJson }}")
    files |= chosen.input_files
    if plan.preamble:
        files[CHECK_NAME] = Verbatim(plan.preamble, python=True)
    files[SCRIPT_NAME] = Verbatim(case.script.text, python=True)
    return files


def _local_commands(case: Case) -> tuple[Text, ...]:
    """Lay the local files where they lie in the notebook's folder: beside the script."""
    return (Verbatim(f"cp -R {case.name}/. ."),) if case.resolution.local_files else ()


def _refuse_clash(local_files: tuple[LocalFile, ...], input_files: Mapping[str, Text]) -> None:
    for local in local_files:
        if local.path in input_files:
            message = f"The local file {local.path!r} has the name of a file that the flow makes itself."
            raise FlowError(message, hint="Give it another name.", location=local.location, code="KNB405")


def _uploads(case: Case) -> tuple[ExtraFile, ...]:
    return tuple(
        ExtraFile(
            path=f"_files/{case.name}/{local.path}",
            text=local.text,
            purpose=f"Namespace file '{case.name}/{local.path}' of {case.namespace!r}: upload it before the first run.",
            upload=True,
        )
        for local in case.resolution.local_files
    )


def _secrets(names: tuple[str, ...]) -> Mapping[str, Text]:
    return {name: Expression(f"{{{{ secret('{name}') }}}}") for name in names}


def _labels(pairs: tuple[str, ...]) -> Mapping[str, str]:
    return dict(_pair(text, "label") for text in pairs)


def _pair(text: str, what: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        message = f"The {what} {text!r} should read NAME=VALUE."
        raise ConfigError(message)
    return name.strip(), value


def _inputs(parameters: tuple[Parameter, ...], given: tuple[str, ...]) -> tuple[Input, ...]:
    values = dict(_pair(text, "input") for text in given)
    unknown = [name for name in values if name not in {parameter.name for parameter in parameters}]
    if unknown:
        known = ", ".join(parameter.name for parameter in parameters) or "none"
        message = f"The notebook has no parameter {unknown[0]!r}; its parameters are: {known}."
        raise ConfigError(message, hint="Parameters are the names set in a cell tagged 'parameters'.")
    return tuple(_input(parameter, values.get(parameter.name)) for parameter in parameters)


def _input(parameter: Parameter, given: str | None) -> Input:
    default = parameter.default if given is None else _typed(parameter, given)
    return Input(
        id=parameter.name,
        type=parameter.type,
        default=default,
        item_type=parameter.item_type or "",
        required=parameter.required or default is not None,
    )


def _typed(parameter: Parameter, text: str) -> object:
    """Read a value from the command line as the input's type wants it."""
    try:
        if parameter.type == "INT":
            return int(text)
        if parameter.type == "FLOAT":
            return float(text)
        if parameter.type == "BOOL":
            return {"true": True, "false": False}[text.lower()]
        if parameter.type in {"JSON", "ARRAY"}:
            return json.loads(text)
    except (ValueError, KeyError):
        message = f"The input {parameter.name!r} is of type {parameter.type}, which {text!r} is not."
        raise ConfigError(message) from None
    return text


def _kept(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Without ``./``, which Kestra's globs do not match, and each one once."""
    return tuple(dict.fromkeys(re.sub(r"^(?:\./+)+", "", pattern) for pattern in patterns))


def _outputs(patterns: tuple[str, ...]) -> tuple[Output, ...]:
    """A file with a fixed name becomes an output of the flow; what a glob matches stays with the task."""
    outputs: dict[str, Output] = {}
    for pattern in patterns:
        if _GLOB.search(pattern):
            continue
        plain = _WORD.sub("_", pattern).strip("_").lower() or "file"
        name = next(
            name for name in chain([plain], (f"{plain}_{number}" for number in count(2))) if name not in outputs
        )
        value = Expression(f"{{{{ outputs.{TASK_ID}.outputFiles[{_quoted(pattern)}] }}}}")
        outputs[name] = Output(id=name, type="FILE", value=value)
    return tuple(outputs.values())


def _quoted(text: str) -> str:
    """A string of Pebble's language."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _triggers(case: Case) -> tuple[Trigger, ...]:
    if case.schedule is None:
        return ()
    return (Trigger(id="schedule", cron=case.schedule.cron, timezone=case.schedule.timezone),)
