"""What a notebook needs, what an environment holds, and what a lock pins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.requirements import Requirement
    from packaging.utils import NormalizedName
    from packaging.version import Version

    from kestra_nb.model.finding import Finding, Location

Evidence = Literal["installed", "declared", "table", "guess"]
How = Literal["import", "from", "dynamic", "use", "kernel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One reason why a module must be there.

    Attributes:
        module: Dotted, as far as it is known to be a module (``google.cloud.storage``).
        names: What ``from module import …`` takes; it may decide who owns a namespace package.
        how: ``use`` is a need no import shows (``read_parquet`` → pyarrow), ``kernel`` a name of the live kernel.
        guarded: Why it may be absent, empty when it must be there: ``try`` (an ``ImportError`` is caught), ``except``
            (it stands in the handler), ``TYPE_CHECKING``, ``colab``, ``never`` (``if False``), ``broken`` (its cell is
            not Python), ``written`` (a ``%%writefile`` cell makes the module).
        why: For ``use``: the call or text that shows it.
        marker: PEP 508 marker that a guard on version or platform amounts to; empty for always.
        alternatives: Modules that would do as well, best first (``fastparquet`` for ``pyarrow``).
        fallback_for: For ``except``: the modules of the ``try`` that make this one unnecessary.
        extras: Extras of the distribution that the use needs (``dask.dataframe`` → ``dataframe``).
    """

    module: str
    location: Location
    names: tuple[str, ...] = ()
    how: How = "import"
    guarded: str = ""
    why: str = ""
    marker: str = ""
    alternatives: tuple[str, ...] = ()
    fallback_for: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """An installed distribution.

    Attributes:
        name: Normalised (PEP 503); ``display_name`` as its metadata spells it.
        requires: ``Requires-Dist`` lines as written.
        editable: Installed in development mode (PEP 660 / PEP 610 ``dir_info.editable``).
        direct_url: From ``direct_url.json`` (PEP 610), credentials removed; empty for an index install.
        installer: The content of ``INSTALLER`` (``pip``, ``uv``, ``conda``).
        size: Bytes of its files as RECORD states them; None when not stated.
        pth: True when it ships a ``.pth`` file (such do not work from a ``--target`` folder).
        native: True when it ships compiled code (a ``.so``, ``.pyd`` or ``.dylib``).
        problem: What is wrong with its metadata, one sentence; empty when nothing is.
    """

    name: NormalizedName
    display_name: str
    version: Version
    requires: tuple[str, ...] = ()
    editable: bool = False
    direct_url: str = ""
    installer: str = ""
    size: int | None = None
    pth: bool = False
    native: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The distributions that one Python can import.

    Attributes:
        python: Full version, ``3.11.7``.
        platform: As ``sysconfig.get_platform()``, ``linux-x86_64``.
        implementation: ``cpython``.
        origin: ``kernel``, ``kernelspec``, ``this interpreter``, a path the person gave, or ``file``.
        distributions: By normalised name, sorted.
        owners: Module path with dots (``google.cloud.storage``, ``yaml``) → names of the distributions that own it;
            an empty tuple for a module that lies among them and belongs to none.
        stdlib: Names of this Python's standard library, when known (``sys.stdlib_module_names``).
        closure: Distribution → all it needs, itself excluded, as pipdeptree computes it.
        conflicts: What pipdeptree reports as missing or conflicting, one sentence each.
        executable: The interpreter's own path, for a second look with pipdeptree; empty when it is not on this machine.
    """

    python: Version
    platform: str
    implementation: str = "cpython"
    origin: str = "this interpreter"
    distributions: Mapping[NormalizedName, Distribution] = field(default_factory=dict)
    owners: Mapping[str, tuple[NormalizedName, ...]] = field(default_factory=dict)
    stdlib: frozenset[str] = frozenset()
    closure: Mapping[NormalizedName, tuple[NormalizedName, ...]] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    executable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file beside the notebook that the script needs.

    Attributes:
        path: Relative to the notebook's folder, with ``/``; never absolute, never above it.
        text: Its content.
        module: The module name it answers to; empty for a data file.
        location: The import or ``%run`` that asks for it.
    """

    path: str
    text: str
    location: Location
    module: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One distribution the task must have.

    Attributes:
        requirement: What is asked for (PEP 508): pinned when the version is known.
        distribution: The installed one behind it; None when it is not installed.
        imports: The imports and uses that led to it, may be empty for a declared one.
        evidence: How it is known; a ``guess`` is not installed anywhere until accepted.
        why: One line for people.
    """

    requirement: Requirement
    evidence: Evidence
    distribution: Distribution | None = None
    imports: tuple[Import, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A module or distribution that was seen and left out, with the reason in words."""

    name: str
    reason: str
    location: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """All that the script needs.

    Attributes:
        needs: Sorted by normalised name; guesses that were not accepted are in ``unresolved`` as well.
        excluded: What was left out and why (standard library, local file, guarded, IPython only …).
        local_files: To be shipped with the flow.
        unresolved: Needs that are only guesses and were not accepted by the person.
    """

    needs: tuple[Need, ...]
    excluded: tuple[Exclusion, ...] = ()
    local_files: tuple[LocalFile, ...] = ()
    unresolved: tuple[Need, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedFile:
    """One file of an index that may be installed (PEP 751): its address without credentials, bytes, and sha256.

    The address is empty when the index is a folder of this machine.
    """

    name: str
    url: str
    sha256: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One distribution of a lock.

    Attributes:
        marker: PEP 508 marker under which it applies; empty for always.
        wheel: File name of the wheel chosen for the target; empty when unknown.
        size: Bytes to fetch; None when unknown.
        hashes: ``sha256:…`` of the files that may be installed.
        url: For direct references (PEP 610), without credentials; empty for an index.
        via: Who asks for it: names, or ``notebook``.
        has_wheel: False when the index has no wheel for the target; None when not looked up.
        files: Of an index: the wheels for the target, best first, or the source archive when there is none.
    """

    name: NormalizedName
    version: Version
    marker: str = ""
    wheel: str = ""
    size: int | None = None
    hashes: tuple[str, ...] = ()
    url: str = ""
    via: tuple[str, ...] = ()
    has_wheel: bool | None = None
    files: tuple[LockedFile, ...] = ()

    @property
    def line(self) -> str:
        """The pin as a requirement (PEP 508), ``numpy==2.3.5``."""
        marker = f" ; {self.marker}" if self.marker else ""
        return f"{self.name} @ {self.url}{marker}" if self.url else f"{self.name}=={self.version}{marker}"


LockSource = Literal["index", "environment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Every distribution of the closure, pinned.

    Attributes:
        pins: Sorted by name.
        source: ``index`` (resolved by uv for the target) or ``environment`` (the interpreter's own closure).
        python: ``3.12`` as far as it was decided for.
        platform: uv's name of the target platform, ``x86_64-unknown-linux-gnu``.
        made_on: ISO date it was resolved as of (uv's ``--exclude-newer``); empty for ``environment``.
        sha256: Over python, platform and the pin lines: the name of every cache that holds it.
        requirements: The direct requirements it was made for, sorted; a lock for other ones is stale.
    """

    pins: tuple[Pin, ...]
    source: LockSource
    python: str
    platform: str
    made_on: str = ""
    sha256: str = ""
    requirements: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A container image whose contents are known or predicted.

    Attributes:
        name: Repository, ``ghcr.io/kestra-io/pydata``; ``tag``; ``digest`` (``sha256:…``) or empty.
        libc: ``glibc`` or ``musl``.
        distributions: Name → version.
        basis: ``measured`` (looked into), ``predicted`` (resolved from the requirements its Dockerfile asks for).
        date: ISO date of that.
        size: Compressed bytes to pull; None when unknown.
    """

    name: str
    tag: str
    python: str
    libc: str
    basis: Literal["measured", "predicted"]
    date: str
    digest: str = ""
    platforms: tuple[str, ...] = ("linux/amd64",)
    distributions: Mapping[NormalizedName, Version] = field(default_factory=dict)
    size: int | None = None
    note: str = ""
