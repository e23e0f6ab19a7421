"""PEP 508 markers, decided for a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

if TYPE_CHECKING:
    from collections.abc import Mapping

MACHINES = ("aarch64", "arm64", "x86_64", "amd64", "i686")
LINUX = ("linux", "Linux", "posix")
DARWIN = ("darwin", "Darwin", "posix")
WINDOWS = ("win32", "Windows", "nt")


def system(platform: str) -> tuple[str, str, str]:
    """Give ``sys_platform``, ``platform_system`` and ``os_name`` for a platform, named as uv or sysconfig do."""
    text = platform.lower()
    if "darwin" in text or "macos" in text:
        return DARWIN
    return WINDOWS if "win" in text else LINUX


def facts(python: str, platform: str) -> dict[str, str]:
    """Give the marker environment (PEP 508) of a target.

    Args:
        python: ``3.12`` or ``3.12.4``.
        platform: ``x86_64-unknown-linux-gnu`` as uv, or ``linux-x86_64`` as sysconfig names it.
    """
    sys_platform, platform_system, os_name = system(platform)
    parts = python.split(".")
    machine = next((name for name in MACHINES if name in platform.lower()), "x86_64")
    return {
        "python_version": ".".join(parts[:2]),
        "python_full_version": python if len(parts) > 2 else f"{python}.0",  # noqa: PLR2004  major, minor, patch
        "sys_platform": sys_platform,
        "platform_system": platform_system,
        "os_name": os_name,
        "platform_machine": machine,
        "implementation_name": "cpython",
        "implementation_version": python if len(parts) > 2 else f"{python}.0",  # noqa: PLR2004
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }


def applies(marker: str, environment: Mapping[str, str]) -> bool:
    """Evaluate a marker; one that cannot be evaluated applies."""
    try:
        return Marker(marker).evaluate(dict(environment))
    except (InvalidMarker, UndefinedEnvironmentName, ValueError):
        return True
