"""The verbs: scan, plan, preview, export, check, why.

The only module that names two stages. Every face calls these functions and shows what they give back.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb import choices, config, files, rules
from kestra_nb.choices import settings_for
from kestra_nb.errors import FlowError, NotebookError, StrategyError
from kestra_nb.explain import why
from kestra_nb.model.finding import Finding, Location
from kestra_nb.model.outcome import Bundle, Planning, Scan, Written
from kestra_nb.model.plan import Case, ExtraFile, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kestra_nb.config import Settings
    from kestra_nb.model.dependency import Environment, Image, LocalFile, Lock, Resolution
    from kestra_nb.model.notebook import Notebook
    from kestra_nb.model.plan import Target

__all__ = ["build_image", "check_export", "export", "plan", "preview", "read", "scan", "settings_for", "why"]


# --- scan -----------------------------------------------------------------------------------------------------------


def read(path: str | Path) -> Notebook:
    """Read a notebook or a percent script from disk.

    Raises:
        NotebookError: It is missing, broken, or not Python.
    """
    return files.read_notebook(Path(path))


def scan(notebook: Notebook, settings: Settings, *, environment: Environment | None = None) -> Scan:
    """Find what a notebook needs; nothing of it is executed.

    Args:
        notebook: As :func:`read` gives it, or one made of a live kernel's cells.
        settings: Of :func:`settings_for`.
        environment: Where the packages are looked up; read from ``settings.python``, the notebook's kernelspec or
            this interpreter when not given.

    Raises:
        KestraNbError: The interpreter cannot be read, or a shipped file is missing.
    """
    from kestra_nb import environment as environments
    from kestra_nb import imports, neighbours, resolve, source

    if notebook.language != "python":
        message = f"{notebook.path} is a notebook in {notebook.language}, expected Python."
        raise NotebookError(message, hint="kestra-nb exports Python notebooks only.")
    script = source.to_script(notebook)
    found = imports.find_imports(script)
    around = neighbours.follow(choices.place_of(notebook), script, found)
    if environment is None:
        environment = environments.read_environment(_interpreter(notebook, settings))
    resolution = resolve.resolve(
        (*found, *around.imports),
        (*script.declared, *around.declared, *choices.required(settings)),
        (*around.local_files, *choices.shipped(notebook, settings)),
        environment,
        accepted=frozenset(settings.accept),
        target_python=settings.target_python or _minor(environment),
    )
    findings = (*script.findings, *around.findings, *environment.findings, *resolution.findings)
    return Scan(
        notebook=notebook,
        script=script,
        environment=environment,
        resolution=resolution,
        findings=tuple(sorted(findings, key=_place)),
    )


def _interpreter(notebook: Notebook, settings: Settings) -> Path | None:
    from kestra_nb import environment

    if settings.python:
        return Path(settings.python)
    return environment.kernelspec_python(notebook.kernel) if notebook.kernel else None


def _minor(environment: Environment) -> str:
    return f"{environment.python.major}.{environment.python.minor}"


def _place(finding: Finding) -> tuple[str, int, int, str]:
    place = finding.location
    return ("", 0, 0, finding.code) if place is None else (place.path, place.cell or 0, place.line, finding.code)


# --- plan -----------------------------------------------------------------------------------------------------------


def plan(scanned: Scan, settings: Settings) -> Planning:
    """Work out every strategy for a notebook, best first.

    Raises:
        KestraNbError: A lock cannot be read or made.
    """
    from kestra_nb import environment as environments
    from kestra_nb import images, strategies

    environment = environments.with_closure(scanned.environment)
    target = config.target_of(settings, notebook_python=_minor(environment), images=images.catalogue())
    name = flow_id(scanned.notebook, settings)
    lock, lock_path = _lock(name, scanned.resolution, environment, target, settings)
    target = dataclasses.replace(target, python=lock.python)
    case = Case(
        name=name,
        namespace=settings.namespace,
        script=scanned.script,
        resolution=scanned.resolution,
        environment=environment,
        target=target,
        lock=lock,
        schedule=rules.schedule(settings.schedule, settings.timezone),
    )
    return Planning(
        scan=scanned,
        case=case,
        plans=strategies.plan_all(case),
        lock=lock,
        lock_path=lock_path,
        findings=(*scanned.findings, *lock.findings),
    )


def flow_id(notebook: Notebook, settings: Settings) -> str:
    """Give the flow's id: the one chosen, else one made of the notebook's name."""
    return settings.id or rules.slug(Path(notebook.path).stem, lower=True)


def lock_file(name: str) -> str:
    """Give the lock's path relative to the export's root (PEP 751 allows ``pylock.<name>.toml``, no dot in name)."""
    return f"_flows/pylock.{name.replace('.', '_')}.toml"


def _lock(
    name: str, resolution: Resolution, environment: Environment, target: Target, settings: Settings
) -> tuple[Lock, str]:
    """Read the lock beside the flow, or make one: by uv when asked, else of the environment's own closure."""
    from kestra_nb import lock as locks

    path = Path(settings.out) / lock_file(name)
    wanted = locks.requirements_of(resolution)
    if path.is_file() and not settings.upgrade:
        kept = locks.load(files.read_text(path), str(path))
        if kept.requirements == wanted and _suits(kept, target, settings):
            return kept, str(path)
    if settings.lock:
        return locks.make(resolution, target, hashes=settings.hashes, exclude_newer=settings.exclude_newer), ""
    return locks.from_environment(resolution, environment, target), ""


def _suits(lock: Lock, target: Target, settings: Settings) -> bool:
    """Whether a lock that was read is for this target, and as strict as asked."""
    return (
        (lock.source == "index" or not settings.lock)
        and (not settings.hashes or all(pin.hashes for pin in lock.pins))
        and (target.python_source == "assumed" or lock.python == target.python)
        and lock.platform == target.platform
    )


# --- preview and export ---------------------------------------------------------------------------------------------


def chosen_plan(planning: Planning, strategy: str = "") -> Plan:
    """Give the plan of that name, or the recommended one.

    Raises:
        StrategyError: No such strategy, it does not fit here, or none fits. A plan that only waits for a guess to be
            accepted can be seen; the finding of the guess keeps it from being written.
    """
    if not strategy:
        waiting = (item for item in planning.plans if item.settings is not None)
        best = planning.recommended or next(waiting, None)
        if best is None:
            for error in (item for item in planning.findings if item.severity == "error"):
                raise StrategyError(error.message, hint=error.hint, location=error.location, code=error.code)
            message = "No strategy fits this notebook and this Kestra installation."
            raise StrategyError(message, hint="'kestra-nb plan' says of each what would make it possible.")
        return best
    from kestra_nb import strategies

    strategies.get(strategy)
    plan_ = next(item for item in planning.plans if item.strategy == strategy)
    if plan_.settings is None:
        reasons = " ".join(plan_.reasons)
        hint = f"Possible if {plan_.possible_if[0]}." if plan_.possible_if else "Choose another strategy."
        message = f"{strategy!r} does not fit: {reasons}"
        raise StrategyError(message, hint=hint)
    return plan_


def preview(planning: Planning, settings: Settings, strategy: str = "") -> Bundle:
    """Make the flow of one strategy, with all its files; nothing is written.

    Args:
        planning: Of :func:`plan`.
        settings: The same settings.
        strategy: A name, which then counts as chosen for this notebook; ``settings.strategy`` or the recommended one
            when empty.

    Raises:
        StrategyError: As :func:`chosen_plan`.
    """
    from kestra_nb import build, check, emit
    from kestra_nb import lock as locks

    if strategy:
        settings = dataclasses.replace(settings, strategy=strategy, chosen=settings.chosen | {"strategy"})
    plan_ = chosen_plan(planning, settings.strategy)
    flow, extra = build.build(planning.case, plan_, settings)
    bundle = emit.bundle(
        flow,
        extra,
        planning.case,
        plan_,
        settings,
        notebook=planning.scan.notebook.path,
        source_sha256=_source_sha256(planning.scan.notebook, planning.case.resolution.local_files),
    )
    lock_text = ExtraFile(
        path=lock_file(planning.case.name),
        text=locks.dump(planning.lock),
        purpose="The lock: commit it; the next export reuses it, and --upgrade makes it anew.",
    )
    whole = dataclasses.replace(bundle, files=(*bundle.files, lock_text))
    findings = (*planning.findings, *plan_.findings, *bundle.findings, *check.check(whole))
    return dataclasses.replace(whole, findings=findings)


def _source_sha256(notebook: Notebook, local_files: Iterable[LocalFile]) -> str:
    """Hash the notebook's code and the files that go with it."""
    digest = hashlib.sha256(notebook.sha256.encode())
    for item in sorted(local_files, key=lambda file: file.path):
        digest.update(f"\0{item.path}\0{item.text}".encode())
    return digest.hexdigest()


def export(bundle: Bundle, settings: Settings) -> Written:
    """Write a flow and its files below ``settings.out``, all or nothing.

    Raises:
        FlowError: A finding of severity error stands against it, or a person edited the flow; ``force`` overrides.
    """
    errors = [item for item in bundle.findings if item.severity == "error"]
    if errors and not settings.force:
        first = errors[0]
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        message = f"Nothing was written: {first.code} {first.message}{more}"
        raise FlowError(message, hint=first.hint or "--force writes it all the same.", location=first.location)
    return files.write_bundle(Path(settings.out), bundle, force=settings.force)


def build_image(planning: Planning, *, push: bool = False) -> Image:
    """Build the image of the strategy ``custom_image`` with Docker, and push it when asked.

    Raises:
        StrategyError: The strategy does not fit here, the registry has the tag already, or Docker says no.
    """
    from kestra_nb import images

    return images.build(chosen_plan(planning, "custom_image"), push=push)


# --- check ----------------------------------------------------------------------------------------------------------


def check_export(notebook: Notebook, settings: Settings) -> tuple[Finding, ...]:
    """Compare an exported flow with its notebook, its settings and its lock by their hashes.

    Neither the author's environment nor an index is needed, and nothing is resolved again.

    Returns:
        Nothing when all is up to date, else KNB450 to KNB454.
    """
    from kestra_nb import emit

    found = files.find_flow(Path(settings.out), notebook.path, settings.id)
    if found is None:
        message = f"{notebook.path} was never exported to {settings.out!r}."
        return (Finding(code="KNB450", severity="error", message=message, hint="Run 'kestra-nb export'."),)
    path, header = found
    comparisons: tuple[tuple[str, str, Callable[[], str], str], ...] = (
        ("KNB451", "source", lambda: _source_sha256_now(notebook, settings), "the notebook or a file beside it"),
        ("KNB452", "settings", lambda: config.settings_sha256(settings), "the settings"),
        ("KNB453", "lock", lambda: _lock_sha256_now(path), "the lock"),
    )
    place = Location(path=str(path))
    return tuple(
        Finding(
            code=code,
            severity="error",
            message=f"{what} changed since the flow was exported.".capitalize(),
            hint="Run 'kestra-nb export' again.",
            location=place,
        )
        for code, key, now, what in comparisons
        if now()[: emit.SHOWN_DIGITS] != header.get(key)
    ) + _edited(path, header, place)


def _edited(path: Path, header: Mapping[str, str], place: Location) -> tuple[Finding, ...]:
    from kestra_nb import emit

    if emit.content_sha256(files.read_text(path))[: emit.SHOWN_DIGITS] == header.get("content"):
        return ()
    message = "The flow was edited by hand since it was exported; the next export keeps it unless --force is given."
    return (Finding(code="KNB454", severity="warning", message=message, location=place),)


def _source_sha256_now(notebook: Notebook, settings: Settings) -> str:
    from kestra_nb import imports, neighbours, source

    script = source.to_script(notebook)
    around = neighbours.follow(choices.place_of(notebook), script, imports.find_imports(script))
    return _source_sha256(notebook, (*around.local_files, *choices.shipped(notebook, settings)))


def _lock_sha256_now(flow_path: Path) -> str:
    from kestra_nb import lock as locks

    path = flow_path.parent / Path(lock_file(flow_path.stem)).name
    return locks.load(files.read_text(path), str(path)).sha256 if path.is_file() else ""
