"""Docker's command line: looking into an image by running its Python, and building one."""

from __future__ import annotations

import datetime as dt
import json
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kestra_nb.errors import StrategyError
from kestra_nb.images import registry
from kestra_nb.images.layers import versions
from kestra_nb.images.reference import Reference, parse
from kestra_nb.model.dependency import Image

if TYPE_CHECKING:
    from kestra_nb.model.plan import Plan

PROBE = """\
import json, os, platform
from importlib.metadata import distributions
held = {}
for item in distributions():
    if item.metadata["Name"]:
        held.setdefault(item.metadata["Name"], item.version)
musl = any(name.startswith("ld-musl-") for name in os.listdir("/lib"))
print(json.dumps({"python": platform.python_version(), "libc": "musl" if musl else "glibc", "distributions": held}))
"""


def runs() -> bool:
    """Tell whether Docker is here and its daemon answers."""
    return shutil.which("docker") is not None and _docker("version", "--format", "{{.Server.Version}}").returncode == 0


def measure(place: Reference) -> Image:
    """Run an image's ``python`` once, without a network, and ask what it can import.

    Raises:
        StrategyError: The image cannot be pulled (KNB320), or no Python starts in it (KNB321).
    """
    reference = str(place)
    inspected = _inspect(reference)
    if inspected is None:
        pulled = _docker("pull", "--quiet", reference)
        if pulled.returncode:
            message = f"Docker cannot pull {reference!r}: {_last(pulled.stderr)}"
            raise StrategyError(message, code="KNB320")
        inspected = _inspect(reference) or {}
    done = _docker("run", "--rm", "--network", "none", "--entrypoint", "python", reference, "-c", PROBE)
    if done.returncode:
        message = f"No Python starts in {reference!r}: {_last(done.stderr)}"
        raise StrategyError(message, code="KNB321")
    return _image(place, inspected, json.loads(done.stdout))


def build(plan: Plan, *, push: bool) -> Image:
    """Build, look into and perhaps push the image of a plan; see :func:`kestra_nb.images.build`."""
    dockerfile = next((file for file in plan.files if file.path.endswith("/Dockerfile")), None)
    if dockerfile is None or plan.settings is None or not plan.settings.container_image:
        message = f"The plan {plan.strategy!r} has no image to build."
        raise StrategyError(message, hint="Take the strategy custom_image.", code="KNB322")
    place = parse(plan.settings.container_image)
    if push and registry.holds(place):
        message = f"{str(place)!r} is in the registry already, and a tag that belongs to a lock is never used twice."
        raise StrategyError(message, hint="It holds this very lock: there is nothing to build.", code="KNB322")
    folder = dockerfile.path.rpartition("/")[0]
    with tempfile.TemporaryDirectory() as scratch:
        for file in plan.files:
            if file.path.rpartition("/")[0] == folder:
                (Path(scratch) / file.path.rpartition("/")[2]).write_text(file.text, encoding="utf-8")
        _must("build", "--quiet", "--tag", str(place), scratch)
    if push:
        _must("push", "--quiet", str(place))
    return measure(place)


def _must(*arguments: str) -> None:
    done = _docker(*arguments)
    if done.returncode:
        message = f"'docker {arguments[0]}' failed: {_last(done.stderr)}"
        raise StrategyError(message, code="KNB322")


def _inspect(reference: str) -> dict[str, Any] | None:
    done = _docker("image", "inspect", reference)
    return dict(json.loads(done.stdout)[0]) if done.returncode == 0 else None


def _image(place: Reference, inspected: dict[str, Any], found: dict[str, Any]) -> Image:
    digests = (text.partition("@") for text in inspected.get("RepoDigests") or ())
    return Image(
        name=place.name,
        tag=place.tag,
        python=found["python"],
        libc=found["libc"],
        basis="measured",
        date=dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
        digest=place.digest or next((digest for name, _, digest in digests if name == place.name), ""),
        platforms=(f"linux/{inspected.get('Architecture', platform.machine())}",),
        distributions=versions(found["distributions"]),
    )


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([shutil.which("docker") or "docker", *arguments], capture_output=True, text=True, check=False)


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
