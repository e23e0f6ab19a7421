"""What a Python has installed: this one, another one, or one described as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from packaging.version import InvalidVersion, Version

from kestra_nb import probe
from kestra_nb.errors import ResolveError
from kestra_nb.model.dependency import Distribution, Environment
from kestra_nb.model.finding import Finding, Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from packaging.utils import NormalizedName

PROBLEMS = {
    "without a version": ("KNB211", "Remove its folder or install it again."),
    "installed twice": ("KNB212", "Uninstall it until nothing is left, then install it once."),
    "with a RECORD that cannot be read": ("KNB213", "Install it again."),
    "without a RECORD": ("KNB213", "Install it again with pip or uv."),
}


def __getattr__(name: str) -> str:
    """Give ``PROBE``: the source of the probe, read when asked for."""
    if name == "PROBE":
        return Path(probe.__file__).read_text(encoding="utf-8")
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


class Installed(Mapping["NormalizedName", Distribution]):
    """Distributions by name, each read when it is first asked for."""

    __slots__ = ("_made", "_readers")

    def __init__(self, readers: Mapping[NormalizedName, Callable[[], Distribution]]) -> None:
        self._readers = readers
        self._made: dict[NormalizedName, Distribution] = {}

    def __getitem__(self, name: NormalizedName) -> Distribution:
        """Read and keep."""
        if name not in self._made:
            self._made[name] = self._readers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[NormalizedName]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def __contains__(self, name: object) -> bool:
        return name in self._readers


def read_environment(python: Path | None = None) -> Environment:
    """Read what a Python has installed, without its closure (see ``with_closure``).

    Args:
        python: Another interpreter; None for the one that runs this.

    Raises:
        ResolveError: The interpreter is missing or does not answer as a Python does.
    """
    if python is not None and not _is_this(python):
        return environment_from_plain({**_ask(python), "origin": str(python)})
    index = probe.Index(sys.path)
    readers = {
        cast("NormalizedName", name): partial(_read, found)
        for name, found in sorted(index.found.items())
        if _is_version(found.version)
    }
    bad = [_bad_version(name, found.version) for name, found in index.found.items() if name not in readers]
    return Environment(
        python=Version(probe.python_version()),
        platform=probe.platform_name(),
        implementation=sys.implementation.name,
        distributions=Installed(readers),
        owners=cast("dict[str, tuple[NormalizedName, ...]]", index.owners),
        stdlib=frozenset(sys.stdlib_module_names),
        findings=_findings([*index.problems, *bad]),
        executable=sys.executable,
    )


def environment_from_plain(data: Mapping[str, Any]) -> Environment:
    """Build an environment from JSON: what the probe prints, or what ``to_plain`` made of an environment.

    Raises:
        ResolveError: The data is of another shape.
    """
    try:
        rows: Mapping[str, Mapping[str, Any]] = data["distributions"]
        good = {name: row for name, row in sorted(rows.items()) if _is_version(row["version"])}
        bad = [_bad_version(name, row["version"]) for name, row in rows.items() if name not in good]
        return Environment(
            python=Version(data["python"]),
            platform=data["platform"],
            implementation=data.get("implementation", "cpython"),
            origin=data.get("origin", "kernel"),
            distributions={cast("NormalizedName", name): _distribution(row) for name, row in good.items()},
            owners={module: tuple(names) for module, names in sorted(data["owners"].items())},
            stdlib=frozenset(data.get("stdlib", ())),
            closure={name: tuple(needs) for name, needs in data.get("closure", {}).items()},
            conflicts=tuple(data.get("conflicts", ())),
            findings=(*_findings([*data.get("problems", ()), *bad]), *map(_finding, data.get("findings", ()))),
            executable=data.get("executable", ""),
        )
    except (KeyError, TypeError, AttributeError, InvalidVersion) as error:
        message = f"The description of an environment is not of the expected shape ({error!r})."
        raise ResolveError(message, hint="It is what the probe prints, as JSON.", code="KNB225") from error


def environment_from_probe(data: Mapping[str, Any], origin: str = "kernel") -> Environment:
    """Build an environment from what the probe printed in a kernel.

    Raises:
        ResolveError: The data is of another shape.
    """
    return environment_from_plain({**data, "origin": origin})


def kernelspec_python(name: str, *, folders: Sequence[Path] | None = None) -> Path | None:
    """Give the interpreter of a kernelspec, None when there is no such kernelspec or it starts no Python.

    Follows jupyter_core's data path: JUPYTER_PATH, the user's folder, the environment's, the system's. ``python3`` of
    an environment's own kernelspec (argv ``python``) is this interpreter.
    """
    from kestra_nb.kernelspecs import find  # only when a notebook names its kernel

    return find(name, folders)


def with_closure(environment: Environment) -> Environment:
    """Add closure, conflicts and sizes, by pipdeptree where the interpreter is on this machine; once is enough."""
    if environment.closure:
        return environment
    from kestra_nb.closure import complete  # only for a plan

    return complete(environment)


def _is_this(python: Path) -> bool:
    return python.absolute() == Path(sys.executable).absolute()


def _ask(python: Path) -> dict[str, Any]:
    import subprocess  # only for another interpreter

    source = Path(probe.__file__).read_text(encoding="utf-8")
    try:
        answer = subprocess.run([python, "-"], input=source, capture_output=True, text=True, timeout=60, check=True)
        data = json.loads(answer.stdout)
    except FileNotFoundError as error:
        message = f"{str(python)!r} was given as the interpreter, but there is no such file."
        raise ResolveError(message, code="KNB225") from error
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        message = f"{str(python)!r} was given as the interpreter, but it does not answer as a Python from 3.8 on does."
        raise ResolveError(message, code="KNB225") from error
    return cast("dict[str, Any]", data)


def _read(found: probe.Found) -> Distribution:
    return _distribution(probe.details(found, sized=False))


def _distribution(row: Mapping[str, Any]) -> Distribution:
    return Distribution(
        name=row["name"],
        display_name=row["display_name"],
        version=Version(row["version"]),
        requires=tuple(row.get("requires", ())),
        editable=row.get("editable", False),
        direct_url=row.get("direct_url", ""),
        installer=row.get("installer", ""),
        size=row.get("size"),
        pth=row.get("pth", False),
        native=row.get("native", False),
        problem=row.get("problem", ""),
    )


def _is_version(text: str) -> bool:
    """Tell whether a version is one of PEP 440; most are plain, and need no parser."""
    if text.replace(".", "").isdigit() and ".." not in text and text[0] != "." != text[-1]:
        return True
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _bad_version(name: str, version: str) -> tuple[str, str, str]:
    return ("without a version", name, f"{version!r}")


def _findings(problems: Iterable[Sequence[str]]) -> tuple[Finding, ...]:
    found = []
    for what, name, path in problems:
        code, hint = PROBLEMS[what]
        message = f"{name or 'A distribution'} is installed {what.removeprefix('installed ')}."
        found.append(Finding(code=code, severity="warning", message=message, hint=hint, location=Location(path=path)))
    return tuple(found)


def _finding(row: Mapping[str, Any]) -> Finding:
    place = row.get("location")
    severity: Literal["error", "warning", "info"] = row["severity"]
    return replace(
        Finding(code=row["code"], severity=severity, message=row["message"], hint=row.get("hint", "")),
        location=Location(**place) if place else None,
    )
