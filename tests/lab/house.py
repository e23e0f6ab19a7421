"""Where the extension lives in tests: a Jupyter application of its own, private and with its token on."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "tests" / ".artifacts"
BUNDLE = ROOT / "kestra_nb" / "labextension"
TOKEN = "a-token-for-tests"  # noqa: S105  of a private server that lives for minutes
READY_WITHIN = 60
PLAIN_YAML = "6.0.2"
"""Another version of PyYAML than the developer's environment has, to tell the two apart."""

APPLICATIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "lab": ("jupyterlab", ()),
    "lab-4.4": ("jupyterlab", ("jupyterlab>=4.4,<4.5", "ipykernel", "bash_kernel")),
    "notebook-7": ("notebook", ("notebook>=7.5", "ipykernel")),
}
"""Name → module to start, and what its own environment holds; none means the developer's environment."""


def uv(*words: str | Path) -> None:
    """Run uv, which the developer's environment has."""
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *map(str, words)], check=True, timeout=300)


def environment(name: str, requirements: tuple[str, ...], *, with_kit: bool = True) -> Path:
    """Give the Python of a virtual environment that holds these requirements; made once."""
    folder = ARTIFACTS / "venv" / name
    python = folder / "bin" / "python"
    stamp = folder / "holds.txt"
    wanted = "\n".join((*requirements, str(with_kit)))
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        uv("venv", "--python", sys.executable, folder)
        kit = ("--editable", ROOT) if with_kit else ()
        uv("pip", "install", "--python", python, *requirements, *kit)
        stamp.write_text(wanted)
    return python


@dataclass
class House:
    """A running server.

    Attributes:
        python: The interpreter it runs in, which is that of its kernel as well.
        root: Its root folder, with the notebooks.
        url: With a slash at the end, without the token.
    """

    name: str
    python: Path
    root: Path
    url: str
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def page_url(self, path: str, workspace: str) -> str:
        """Give the address of a notebook or folder, in a workspace of its own where there are such."""
        if self.name == "notebook-7":
            return f"{self.url}notebooks/{path}?token={TOKEN}"
        tree = f"/tree/{path}" if path else ""
        return f"{self.url}lab/workspaces/{workspace}{tree}?token={TOKEN}"

    def ask(self, method: str, path: str) -> object:
        """Ask the server's own API."""
        request = urllib.request.Request(  # noqa: S310  own server
            f"{self.url}api/{path}", method=method, headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def answers(self) -> bool:
        """Tell whether the server is up."""
        with contextlib.suppress(OSError):
            self.ask("GET", "status")
            return True
        return False

    def end_kernels(self) -> None:
        """End every kernel, so that the next test starts as the first one did."""
        for session in cast("list[dict[str, str]]", self.ask("GET", "sessions")):
            self.ask("DELETE", f"sessions/{session['id']}")

    def stop(self) -> None:
        """End the server and its kernels."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                os.killpg(self.process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(10)


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def own_folders(folder: Path) -> dict[str, str]:
    """Give the variables that keep a server apart from everything else of the person's."""
    names = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    for name in names.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {variable: str(folder / name) for variable, name in names.items()}


def kernelspec(folder: Path, name: str, python: Path, *, module: str = "ipykernel_launcher") -> None:
    """Put a kernelspec into a server's own data folder."""
    spec = folder / "data" / "kernels" / name
    spec.mkdir(parents=True)
    argv = [str(python), "-m", module, "-f", "{connection_file}"]
    language = "bash" if module == "bash_kernel" else "python"
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": language}))


def start(name: str, folder: Path, *, front_end: bool = True, server_part: bool = True, theme: str = "light") -> House:
    """Start an application with the bundle as it was built last.

    Args:
        name: One of ``APPLICATIONS``.
        folder: Of its own; ``folder/root`` becomes the root folder.
        front_end: Whether the front end is on; ``server_part``: whether the server extension is.
        theme: ``light`` or ``dark``.
    """
    module, requirements = APPLICATIONS[name]
    python = environment(name, requirements) if requirements else Path(sys.executable)
    root = folder / "root"
    root.mkdir(parents=True, exist_ok=True)
    (folder / "extensions").mkdir(exist_ok=True)
    (folder / "extensions" / "kestra-nb").symlink_to(BUNDLE)
    port = free_port()
    variables = {**os.environ, **own_folders(folder)}
    variables.pop("JUPYTER_TOKEN", None)
    preferences = folder / "settings" / "@jupyterlab" / "apputils-extension"
    preferences.mkdir(parents=True)
    (preferences / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {theme.title()}"}))
    (preferences / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    config = {"ServerApp": {"jpserver_extensions": {"kestra_nb": server_part}}}
    (folder / "config" / "jupyter_server_config.json").write_text(json.dumps(config))
    if not front_end:
        (folder / "config" / "labconfig").mkdir()
        disabled = {"disabledExtensions": {"kestra-nb": True}}
        (folder / "config" / "labconfig" / "page_config.json").write_text(json.dumps(disabled))
    words = [
        python, "-m", module, "--no-browser", "--allow-root",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={TOKEN}", "--AsyncIOLoopKernelRestarter.restart_limit=0",
        f"--LabServerApp.extra_labextensions_path={folder / 'extensions'}",
        "--LabApp.extension_manager=readonly", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]  # fmt: skip
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=root, env=variables, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    house = House(name=name, python=python, root=root, url=f"http://127.0.0.1:{port}/", log=log, process=process)
    wait_until_ready(house)
    return house


def wait_until_ready(house: House) -> None:
    """Wait until the server answers; fail with its log when it does not."""
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and house.process.poll() is None:
        if house.answers():
            return
        time.sleep(0.1)
    house.stop()
    message = f"The server did not start:\n{house.log.read_text()[-3000:]}"
    raise RuntimeError(message)


@contextlib.contextmanager
def running(name: str, folder: Path, **more: object) -> Iterator[House]:
    """Give a server and stop it afterwards."""
    house = start(name, folder, **more)  # type: ignore[arg-type]
    try:
        yield house
    finally:
        house.stop()
