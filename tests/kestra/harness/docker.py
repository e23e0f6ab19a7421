"""Docker for real: the daemon, a registry on loopback and a base image, started when they are not there (as root)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.kestra.harness.build import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.kestra.harness.wheels import Index

SUITE: Final = "bookworm"
PYTHON: Final = "3.11"
"""The Python of that suite."""

BASE: Final = f"python:{PYTHON}-slim"
"""The name the base image stands in for: flows name it, and no public registry is asked for it."""

PACKAGES: Final = "python3,python3-pip,python3-venv,ca-certificates"
PATIENCE: Final = 60
LEAN: Final = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/info",
)


class DockerMissingError(RuntimeError):
    """The machine cannot run containers for the tests; the message says what is missing."""


def docker(*words: str | Path, feed: bytes | None = None) -> str:
    """Run a command of Docker's client.

    Raises:
        RuntimeError: it failed; the message is its own.
    """
    done = subprocess.run(["docker", *words], input=feed, capture_output=True, check=False)
    if done.returncode:
        message = f"docker {' '.join(map(str, words))}: {done.stderr.decode()[-1000:]}"
        raise RuntimeError(message)
    return done.stdout.decode().strip()


@contextmanager
def daemon(folder: Path) -> Iterator[None]:
    """A Docker daemon at the usual socket: the one that runs, else one of our own until the end of the block."""
    _need("docker", "dockerd", "debootstrap", "docker-registry")
    if _answers():
        yield
        return
    if os.geteuid():
        message = "no Docker daemon answers, and only root can start one"
        raise DockerMissingError(message)
    folder.mkdir(parents=True)
    places = [f"--{kind}-root={folder / kind}" for kind in ("data", "exec")]
    with _process(["dockerd", *places, f"--pidfile={folder / 'pid'}"], folder / "dockerd.log"):
        _wait(_answers, "dockerd did not answer: " + str(folder / "dockerd.log"))
        yield


def _need(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        message = f"not on PATH: {', '.join(missing)} (tests/kestra/prepare installs them)"
        raise DockerMissingError(message)


def _answers() -> bool:
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A registry on loopback; gives ``localhost:PORT``, which Docker trusts without TLS."""
    folder.mkdir(parents=True)
    port = _free_port()
    settings = folder / "config.yml"
    settings.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder / 'images'}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n",
        encoding="utf-8",
    )
    with _process(["docker-registry", "serve", str(settings)], folder / "registry.log"):
        _wait(lambda: _listens(port), "the registry did not answer")
        yield f"localhost:{port}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait()


def _wait(done: Callable[[], bool], otherwise: str) -> None:
    limit = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > limit:
            raise DockerMissingError(otherwise)
        time.sleep(0.2)


def gateway() -> str:
    """The address at which containers find this machine."""
    return docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}") or "172.17.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image that was built here, by its local identity."""

    identity: str

    def push(self, reference: str) -> str:
        """Push under a reference, then forget the image under every name, so that a run must pull; gives the digest."""
        docker("tag", self.identity, reference)
        docker("push", "--quiet", reference)
        digest = docker("image", "inspect", reference, "--format", "{{index .RepoDigests 0}}").partition("@")[2]
        docker("rmi", "--force", self.identity)
        return digest


def base_image(index: Index) -> Built:
    """The base image under the name ``python:3.11-slim``, its pip led to the tests' index."""
    if not docker("images", "--quiet", "kestra-nb-tests:base"):
        with _archive().open("rb") as archive:
            docker("import", "-", "kestra-nb-tests:base", feed=archive.read())
    settings = f"[global]\\nindex-url = {index.url(gateway())}\\ntrusted-host = {gateway()}\\n"
    return build(BASE, f"FROM kestra-nb-tests:base\nENV LANG=C.UTF-8\nRUN printf '{settings}' > /etc/pip.conf\n")


def build(tag: str, dockerfile: str, context: Path | None = None) -> Built:
    """Build an image from a Dockerfile, with a folder as its context if one is given."""
    if context is None:
        identity = docker("build", "--quiet", "--tag", tag, "-", feed=dockerfile.encode())
    else:
        identity = docker("build", "--quiet", "--tag", tag, "--file", "-", str(context), feed=dockerfile.encode())
    return Built(identity=identity)


def _archive() -> Path:
    """The base image's files: made once by debootstrap (a minute), kept outside the tree."""
    kept = cache_folder() / "images" / f"{SUITE}-python{PYTHON}.tar"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        root = kept.with_suffix(".root")
        shutil.rmtree(root, ignore_errors=True)
        _call("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root))
        (root / "usr/bin/python").symlink_to("python3")
        (root / f"usr/lib/python{PYTHON}/EXTERNALLY-MANAGED").unlink()
        for name in LEAN:
            shutil.rmtree(root / name, ignore_errors=True)
        _call("tar", "-C", str(root), "-cf", str(kept.with_suffix(".part")), ".")
        kept.with_suffix(".part").rename(kept)
        shutil.rmtree(root)
    return kept


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{command[0]} failed: {(done.stdout + done.stderr)[-1000:]}"
        raise DockerMissingError(message)
