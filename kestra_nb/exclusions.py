"""Reasons to leave an import out: what is no need of the task, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.utils import NormalizedName

    from kestra_nb.model.dependency import Environment, Import, LocalFile

OWN = "kestra_nb"
ABSENT = "may be absent and is not installed"
KERNEL_ONLY = {
    "google.colab": "exists on Google Colab only",
    "IPython.core.interactiveshell": "works inside a kernel only",
}
KERNEL_TOPS = frozenset({"google", "IPython"})
GUARDED = {
    "TYPE_CHECKING": "is for type checkers only",
    "never": "stands under a condition that is never true",
    "colab": "is for Google Colab only",
    "written": "is written by a cell of the notebook",
}


class Ground:
    """What decides about an import, whatever else the notebook needs.

    Args:
        environment: What is installed.
        target_python: ``3.12``.
        local: Top-level module → the file that is shipped.
        written: Top-level modules that cells write.
        stdlib: Of the target's Python.
    """

    def __init__(
        self,
        environment: Environment,
        target_python: str,
        *,
        local: Mapping[str, LocalFile],
        written: frozenset[str],
        stdlib: frozenset[str],
    ) -> None:
        self.environment = environment
        self.target_python = target_python
        self.local = local
        self.written = written
        self.stdlib = stdlib

    def owned(self, path: str) -> tuple[NormalizedName, ...]:
        """Give the distributions that own the longest known beginning of a dotted path."""
        owners = self.environment.owners
        while path:
            if path in owners:
                return owners[path]
            path = path.rpartition(".")[0]
        return ()

    def is_there(self, module: str) -> bool:
        """Tell whether a module can be imported on the target without another need."""
        top = module.partition(".")[0]
        return top in self.stdlib or top in self.local or bool(self.owned(module))

    def applies(self, marker: str) -> bool:
        """Evaluate a marker for the target: its Python, on Linux, where Kestra's workers run."""
        from kestra_nb import targets  # few imports have a marker

        return targets.applies(marker, targets.facts(self.target_python, "linux"))


def paths_of(item: Import) -> list[str]:
    """Give the dotted paths that an import may mean: each name taken may be a module."""
    return [f"{item.module}.{name}" for name in item.names] or [item.module]


def reason(ground: Ground, item: Import) -> str:
    """Say why an import is no need; empty when it is one."""
    return _by_nature(ground, item) or _by_place(ground, item) or _by_guard(ground, item)


def _by_nature(ground: Ground, item: Import) -> str:
    """Look at what the module is."""
    top = item.module.partition(".")[0]
    if item.module.startswith("."):
        return "is relative, which a script cannot import"
    if top == OWN:
        return "is this kit, which the flow does not need"
    if top in KERNEL_TOPS:
        for module, why in KERNEL_ONLY.items():
            if any(path == module or path.startswith(module + ".") for path in (item.module, *paths_of(item))):
                return why
    if top in ground.stdlib and top not in ground.local:
        return f"is part of Python {ground.target_python}'s standard library"
    return ""


def _by_place(ground: Ground, item: Import) -> str:
    """Look at where the module comes from, and what stands around the import."""
    top = item.module.partition(".")[0]
    if top in ground.written:
        return GUARDED["written"]
    if top in ground.local:
        return f"is the local file {ground.local[top].path}"
    if item.marker and not ground.applies(item.marker):
        return f"is only for {item.marker}"
    return GUARDED.get(item.guarded, "")


def _by_guard(ground: Ground, item: Import) -> str:
    """Look at what happens when the import fails."""
    if item.fallback_for and all(ground.is_there(module) for module in item.fallback_for):
        return f"is only a fallback for {', '.join(item.fallback_for)}"
    if item.guarded in {"try", "except", "broken"} and not any(ground.owned(path) for path in paths_of(item)):
        return ABSENT
    return ""
