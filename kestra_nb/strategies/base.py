"""What every strategy shares: its contract, what it rests on, and when it has to be refused.

A strategy is one class in one file. It looks at a :class:`~kestra_nb.model.plan.Case` and answers with a
:class:`~kestra_nb.model.plan.Plan`; what does not fit is a plan that says so. Which plan is best is not decided here.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from kestra_nb.config import FACTS
from kestra_nb.model.flow import DOCKER, Runner, Verbatim

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kestra_nb.model.flow import Text
    from kestra_nb.model.plan import Case, FactName, Plan, Target

REQUIREMENTS = "requirements.txt"
KUBERNETES = Runner(type="io.kestra.plugin.ee.kubernetes.runner.Kubernetes")
PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
"""Docker's names for the first part of uv's."""


class Strategy(Protocol):
    """A way for Kestra to supply the packages of a task. The class docstring is its page in the reference."""

    @property
    def name(self) -> str:
        """The name a person chooses it by, the same as its entry point's."""

    @property
    def title(self) -> str:
        """A few words for people."""

    def plan(self, case: Case) -> Plan:
        """Answer for one case; pure, never None, and no exception for what does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a plan does not fit (a sentence), and what would make it possible (the end of "Possible if …")."""

    reason: str
    cure: str = ""


def judge(plan: Plan, case: Case, *, rests_on: tuple[FactName, ...] = (), objections: Iterable[Objection] = ()) -> Plan:
    """Give the plan with its verdict: what refuses it, what it assumes, what it does not know.

    Args:
        plan: As the strategy would have it, ``fits`` True.
        case: The case it was made for.
        rests_on: Facts that must hold for the flow to run.
        objections: What the strategy itself has against this case.
    """
    target = case.target
    against = (*_denied(target, rests_on), *objections, *_unaccepted(case), *_unreachable(case))
    unknown = tuple(name for name in rests_on if target.fact(name).value is None)
    assumed = tuple(name for name in rests_on if target.fact(name).value and target.fact(name).source == "assumed")
    return dataclasses.replace(
        plan,
        fits=not against,
        conditions="" if against else _conditions(assumed, unknown),
        reasons=tuple(item.reason for item in against) or plan.reasons,
        possible_if=tuple(dict.fromkeys(item.cure for item in against if item.cure)),
        assumed=(*assumed, *unknown),
        unknown=unknown,
        settings=None if against else plan.settings,
    )


def nothing_to_install(case: Case) -> tuple[Objection, ...]:
    """Object when a strategy would only add parts to a script that needs the standard library alone."""
    if case.lock.pins or case.resolution.needs:
        return ()
    reason = "There is nothing to install: the script needs Python's standard library alone."
    return (Objection(reason=reason, cure="the script imports something beyond it"),)


def needs_a_shell(target: Target) -> tuple[Objection, ...]:
    """Object to shell text on workers that have no ``/bin/sh``."""
    if "windows" not in target.platform:
        return ()
    return (
        Objection(
            reason=f"The lines that prepare the environment are for /bin/sh, the workers are {target.platform}.",
            cure="the workers run Linux, or the tasks run in containers",
        ),
    )


def container_runner(target: Target) -> tuple[Runner, FactName]:
    """Choose what starts containers, and the fact that this rests on."""
    return (KUBERNETES, "kubernetes") if target.fact("kubernetes").value else (DOCKER, "docker")


def package_manager(case: Case) -> Literal["", "PIP"]:
    """Keep the plugin from fetching uv by itself onto workers that may not have it (its default for every task)."""
    return "" if case.target.fact("uv").value else "PIP"


def container_platform(target: Target) -> str:
    """Give Docker's name of the target's platform; empty when there are no containers for it."""
    return PLATFORMS.get(target.platform.partition("-")[0], "")


def python_image(case: Case) -> str:
    """Name Docker's image of the lock's Python: slim, unless something is built or fetched with tools slim lacks."""
    tools = any(pin.has_wheel is False or pin.url.startswith("git+") for pin in case.lock.pins)
    return f"python:{minor(case.lock.python)}{'' if tools else '-slim'}"


def requirements_file(case: Case) -> Mapping[str, Text]:
    """Give the lock as the task's ``requirements.txt``."""
    return {REQUIREMENTS: Verbatim(requirements_text(case))}


def requirements_text(case: Case) -> str:
    """Give the lock as pip and uv read it, sorted; with hashes when every pin has them, as both then insist on."""
    hashed = all(pin.hashes for pin in case.lock.pins)
    lines = (
        [pin.line, *(f"    --hash={value}" for value in pin.hashes if hashed)]
        for pin in sorted(case.lock.pins, key=lambda pin: pin.line)
    )
    return "".join(" \\\n".join(parts) + "\n" for parts in lines)


def pin_lines(case: Case) -> tuple[str, ...]:
    """Give the lock's pins as requirement lines, sorted as Kestra's key for its dependency cache needs it."""
    return tuple(sorted(pin.line for pin in case.lock.pins))


def pth_pins(case: Case) -> tuple[str, ...]:
    """Give the pins that install a ``.pth`` file, as far as the person's own environment shows it."""
    installed = case.environment.distributions
    return tuple(pin.name for pin in case.lock.pins if pin.name in installed and installed[pin.name].pth)


def minor(python: str) -> str:
    """Give ``3.12`` for ``3.12.4``."""
    return ".".join(python.split(".")[:2])


def lock_key(case: Case) -> str:
    """Give the part of the lock's hash that names environments, caches and images made for it."""
    return case.lock.sha256[:12]


def quoted(names: Iterable[str], limit: int = 6) -> str:
    """Give ``numpy, pandas and 3 more``."""
    listed = list(names)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more


def _denied(target: Target, rests_on: tuple[FactName, ...]) -> Iterable[Objection]:
    for name in rests_on:
        fact = target.fact(name)
        if fact.value is False:
            said = "the target says" if fact.source != "assumed" else "this is assumed:"
            yield Objection(
                reason=f"It works only where {FACTS[name][1]}, and {said} {name}=no.",
                cure=f"{FACTS[name][1]} (--fact {name}=yes)",
            )


def _unaccepted(case: Case) -> Iterable[Objection]:
    for need in case.resolution.unresolved:
        name = need.requirement.name
        yield Objection(
            reason=f"{name!r} is only a guess of a name, and a guess is never installed.",
            cure=f"you know the name and accept it (--accept {name})",
        )


def _unreachable(case: Case) -> Iterable[Objection]:
    for pin in case.lock.pins:
        if pin.url.startswith("file:"):
            yield Objection(
                reason=f"{pin.name} was installed from a folder of this machine ({pin.url}), which no worker has.",
                cure=f"{pin.name} is on an index, or its modules lie beside the notebook",
            )


def _conditions(assumed: tuple[FactName, ...], unknown: tuple[FactName, ...]) -> str:
    parts = []
    if assumed:
        parts.append("It is assumed that " + _listed(FACTS[name][1] for name in assumed) + ".")
    if unknown:
        parts.append("It is not known whether " + _listed(FACTS[name][1] for name in unknown) + ".")
    return " ".join(parts)


def _listed(names: Iterable[str]) -> str:
    """Give ``a, b and c``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
