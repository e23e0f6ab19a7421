"""Tiny wheels made on the spot (PEP 427) and a package index that serves them on loopback (PEP 503)."""

from __future__ import annotations

import base64
import ensurepip
import functools
import hashlib
import http.server
import shutil
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANY: Final = "py3-none-any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """What a wheel is to hold: one module, which knows its version, unless ``files`` says more."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    tag: str = ANY

    @property
    def filename(self) -> str:
        """Its name in an index."""
        return f"{self.name.replace('-', '_')}-{self.version}-{self.tag}.whl"


def write(wheel: Wheel, folder: Path) -> Path:
    """Write the wheel, the same bytes each time."""
    module, info = wheel.name.replace("-", "_"), f"{wheel.name.replace('-', '_')}-{wheel.version}.dist-info"
    needs = "".join(f"Requires-Dist: {need}\n" for need in wheel.requires)
    content = {
        f"{module}/__init__.py": f'__version__ = "{wheel.version}"\n',
        **wheel.files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {wheel.name}\nVersion: {wheel.version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {wheel.tag}\n",
    }
    rows = [f"{name},sha256={_digest(text)},{len(text.encode())}" for name, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    path = folder / wheel.filename
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@dataclass(slots=True)
class Faults:
    """What is wrong with the index just now."""

    down: bool = False
    slow: float = 0.0
    """Seconds before a file is sent."""


class _Index(http.server.BaseHTTPRequestHandler):
    """``/simple/NAME/`` lists a project's wheels, ``/files/WHEEL`` is one; everything is asked for anew each time."""

    folder: Path
    asked: list[str]
    faults: Faults

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.faults.down:
            self.close_connection = True
            return
        if self.path.startswith("/files/"):
            time.sleep(self.faults.slow)
        kind, _, rest = self.path.strip("/").partition("/")
        file = self.folder / rest
        if kind == "files" and file.is_file():
            self._answer(200, "application/octet-stream", file.read_bytes())
        elif kind == "simple":
            self._list(rest)
        else:
            self._answer(404, "text/plain", b"not here")

    do_HEAD = do_GET  # noqa: N815 - http.server names it

    def _list(self, project: str) -> None:
        found = [wheel for wheel in sorted(self.folder.glob("*.whl")) if _project(wheel) == project]
        links = [
            f'<a href="/files/{wheel.name}#sha256={_file_digest(wheel, wheel.stat().st_mtime_ns)}">{wheel.name}</a>'
            for wheel in found
        ]
        page = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>"
        self._answer(200 if found else 404, "text/html", page.encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@functools.cache
def _file_digest(file: Path, _changed: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _project(wheel: Path) -> str:
    return wheel.name.split("-")[0].replace("_", "-").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A running index: where it is, what it serves, what was asked of it."""

    port: int
    folder: Path
    asked: list[str]
    faults: Faults

    def add(self, *wheels: Wheel) -> list[Path]:
        """Serve these wheels from now on; gives their files."""
        return [write(wheel, self.folder) for wheel in wheels]

    def remove(self, *wheels: Wheel) -> None:
        """Serve these no longer."""
        for wheel in wheels:
            (self.folder / wheel.filename).unlink()

    def add_pip(self) -> None:
        """Serve the pip that Python carries with it (``uv tool run pip`` asks for it)."""
        for bundled in (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"):
            shutil.copy2(bundled, self.folder)

    def url(self, host: str = "127.0.0.1") -> str:
        """The address of the simple index."""
        return f"http://{host}:{self.port}/simple/"

    def variables(self, host: str = "127.0.0.1") -> dict[str, str]:
        """What leads pip and uv here and nowhere else."""
        url = self.url(host)
        return {"PIP_INDEX_URL": url, "UV_DEFAULT_INDEX": url, "PIP_TRUSTED_HOST": host, "PIP_CONFIG_FILE": "/dev/null"}


@contextmanager
def serve(folder: Path, host: str = "127.0.0.1") -> Iterator[Index]:
    """Serve the wheels of a folder until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    asked: list[str] = []
    faults = Faults()
    handler = type("Handler", (_Index,), {"folder": folder, "asked": asked, "faults": faults})
    server = http.server.ThreadingHTTPServer((host, 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Index(port=server.server_port, folder=folder, asked=asked, faults=faults)
    finally:
        server.shutdown()
        server.server_close()
