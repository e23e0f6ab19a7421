"""The generated shell text, run for real: /bin/sh, uv and pip, tiny wheels in a folder, no network."""

from __future__ import annotations

import base64
import dataclasses
import ensurepip
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
import uv
from packaging.utils import canonicalize_name
from packaging.version import Version

from kestra_nb import strategies
from kestra_nb.model.dependency import Pin
from kestra_nb.model.flow import Verbatim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kestra_nb.model.plan import Case, TaskSettings

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
NOWHERE = "http://127.0.0.1:9/"
SCRIPT = """\
import os, subprocess, kestra_tiny
print("tiny", kestra_tiny.VERSION, kestra_tiny.__file__, flush=True)
if "VIRTUAL_ENV" in os.environ:
    subprocess.run(["kestra-tiny"], check=True)
"""
STRATEGIES = [
    ("worker_venv", "uv"), ("fresh_venv", "uv"), ("cached_venv", "uv"), ("worker_venv", "pip"), ("cached_venv", "pip"),
]  # fmt: skip


def make_wheel(folder: Path, version: str) -> None:
    """Write a wheel of the distribution kestra-tiny: one module with its version, and a console script."""
    info = f"kestra_tiny-{version}.dist-info"
    files = {
        "kestra_tiny.py": f"VERSION = {version!r}\ndef main():\n    print('script', VERSION)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: kestra-tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nkestra-tiny = kestra_tiny:main\n",
    }
    record = "".join(f"{name},sha256={_hash(text)},{len(text)}\n" for name, text in files.items())
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"kestra_tiny-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(zipfile.ZipInfo(name), text)  # no clock in it: the same bytes each time


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class QuietHandler(SimpleHTTPRequestHandler):
    """A listing of a folder is a simple index (PEP 503)."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
        """Say nothing."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an index on loopback that has kestra-tiny 1.0 and 2.0, and pip."""
    root = tmp_path_factory.mktemp("index")
    for project in ("kestra-tiny", "pip"):
        (root / project).mkdir()
    for version in ("1.0", "2.0"):
        make_wheel(root / "kestra-tiny", version)
    shutil.copy(next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")), root / "pip")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(root))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def wheel_hash(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of kestra-tiny 1.0, as a lock states it."""
    folder = tmp_path_factory.mktemp("wheel")
    make_wheel(folder, "1.0")
    return f"sha256:{hashlib.sha256((folder / 'kestra_tiny-1.0-py3-none-any.whl').read_bytes()).hexdigest()}"


@dataclass
class Worker:
    """A worker's disk, with a folder for each execution; its tools are uv and one Python."""

    root: Path
    index: str
    shell: str = "dash"
    shell_of: tuple[str, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tools.mkdir(parents=True)
        (self.root / "executions").mkdir()
        log = self.root / "uv.log"
        wrapper = self.tools / "uv"
        wrapper.write_text(f'#!/bin/sh\necho "$@" >> "{log}"\nexec "{uv.find_uv_bin()}" "$@"\n')
        wrapper.chmod(0o755)
        for name in ("python3", f"python{PYTHON}"):
            (self.tools / name).symlink_to(Path(sys.base_prefix) / "bin" / f"python{PYTHON}")

    @property
    def tools(self) -> Path:
        return self.root / "tools"

    @property
    def disk(self) -> Path:
        return self.root / "executions" / "kestra-nb"

    @property
    def uv_calls(self) -> list[str]:
        log = self.root / "uv.log"
        return log.read_text().splitlines() if log.exists() else []

    def environment(self) -> dict[str, str]:
        return {
            "PIP_INDEX_URL": self.index,
            "PATH": f"{self.tools}:/usr/bin:/bin",
            "HOME": "/proc/no-home",
            "UV_DEFAULT_INDEX": self.index,
            "UV_PYTHON_DOWNLOADS": "never",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            **self.extra,
        }

    def start(self, settings: TaskSettings, name: str, restore: Path | None = None) -> subprocess.Popen[str]:
        """Start an execution as Kestra does: input files, then one shell for all lines with `set -e` in front."""
        folder = self.root / "executions" / name
        folder.mkdir()
        if restore is not None:
            shutil.copytree(restore, folder, dirs_exist_ok=True)
        for file, text in settings.input_files.items():
            (folder / file).write_text(text.text)
        (folder / "main.py").write_text(SCRIPT)
        lines = ["set -e", *(line.text for line in settings.before_commands), f"{settings.interpreter} main.py"]
        return subprocess.Popen(
            [*self.shell_of, self.shell, "-c", "\n".join(lines)],
            cwd=folder, env=self.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, settings: TaskSettings, name: str, restore: Path | None = None) -> subprocess.CompletedProcess[str]:
        process = self.start(settings, name, restore)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def worker(tmp_path: Path, index: str) -> Worker:
    """A worker whose folders have a blank in their path."""
    return Worker(root=tmp_path / "a worker", index=index)


@pytest.fixture
def settings_of(make_case: Callable[..., Case]) -> Callable[..., TaskSettings]:
    """Task settings of a strategy for a lock that pins kestra-tiny."""

    def settings(
        strategy: str, version: str = "1.0", *, tool: str = "uv", python: str = PYTHON, **changes: object
    ) -> TaskSettings:
        given = {"wheel": f"kestra_tiny-{version}-py3-none-any.whl", **changes}
        pinned = Pin(name=canonicalize_name("kestra-tiny"), version=Version(version), **given)  # type: ignore[arg-type]
        facts = {"uv": tool == "uv", "docker": False, "lasting_disk": True}
        case = make_case((pinned,), ("kestra-tiny",), facts=facts)
        plan = strategies.get(strategy).plan(
            dataclasses.replace(case, lock=dataclasses.replace(case.lock, python=python))
        )
        assert plan.settings is not None, plan.reasons
        return plan.settings

    return settings


@pytest.mark.parametrize(("strategy", "tool"), STRATEGIES)
def test_first_second_and_bumped_run(
    worker: Worker, settings_of: Callable[..., TaskSettings], strategy: str, tool: str
) -> None:
    settings = settings_of(strategy, tool=tool)
    for name in ("first", "second"):
        done = worker.run(settings, name)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("tiny 1.0 ")
        assert str(worker.root) in done.stdout
    bumped = worker.run(settings_of(strategy, "2.0", tool=tool), "bumped")
    assert (bumped.returncode, bumped.stderr) == (0, "")
    assert bumped.stdout.startswith("tiny 2.0 ")


def test_pip_at_every_run(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    settings = settings_of("before_commands", "9.9", tool="pip")
    assert "kestra-tiny==9.9" in worker.run(settings, "failed").stderr
    done = worker.run(settings_of("before_commands", tool="pip"), "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("tiny 1.0 ")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("strategy", ["worker_venv", "fresh_venv", "cached_venv"])
def test_every_shell(worker: Worker, settings_of: Callable[..., TaskSettings], strategy: str, shell: str) -> None:
    worker.shell = shell
    assert worker.run(settings_of(strategy), "run").stdout.startswith("tiny 1.0 ")


@pytest.mark.parametrize(("strategy", "tool"), [row for row in STRATEGIES if row != ("worker_venv", "pip")])
def test_hashes_are_compared(
    worker: Worker, settings_of: Callable[..., TaskSettings], strategy: str, tool: str, wheel_hash: str
) -> None:
    wrong = worker.run(settings_of(strategy, tool=tool, hashes=("sha256:" + "0" * 64,)), "wrong")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert re.search(r"hash", wrong.stderr, re.IGNORECASE)
    right = worker.run(settings_of(strategy, tool=tool, hashes=(wheel_hash,)), "right")
    assert right.stdout.startswith("tiny 1.0 "), right.stderr


@pytest.mark.parametrize(("strategy", "tool"), [("fresh_venv", "uv"), ("cached_venv", "uv"), ("cached_venv", "pip")])
def test_a_wheel_with_an_address_of_its_own(
    worker: Worker, settings_of: Callable[..., TaskSettings], strategy: str, tool: str
) -> None:
    url = f"{worker.index}kestra-tiny/kestra_tiny-2.0-py3-none-any.whl"
    done = worker.run(settings_of(strategy, "2.0", tool=tool, url=url), "run")
    assert done.stdout.startswith("tiny 2.0 "), done.stderr


def test_an_index_stated_for_uv_alone_counts_for_the_download_too(
    worker: Worker, settings_of: Callable[..., TaskSettings]
) -> None:
    worker.extra["PIP_INDEX_URL"] = ""
    assert worker.run(settings_of("cached_venv"), "run").stdout.startswith("tiny 1.0 ")


@pytest.mark.parametrize("strategy", ["worker_venv", "fresh_venv", "cached_venv"])
def test_later_runs_need_no_index(worker: Worker, settings_of: Callable[..., TaskSettings], strategy: str) -> None:
    settings = settings_of(strategy)
    assert worker.run(settings, "first").returncode == 0
    kept = as_kestra_keeps(worker.root / "executions" / "first", worker.root / "cache", "wheels-*")
    worker.extra.update({"ALL_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE, "http_proxy": NOWHERE})
    assert worker.run(settings, "later", kept).stdout.startswith("tiny 1.0 ")


def as_kestra_keeps(folder: Path, cache: Path, pattern: str) -> Path:
    """Keep what Kestra's cache keeps: regular files alone, without their modes, with the time of the restore."""
    for path in folder.glob(pattern + "/**/*"):
        if path.is_file() and not path.is_symlink():
            target = cache / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
            target.chmod(0o644)
    cache.mkdir(exist_ok=True)
    return cache


@pytest.mark.parametrize(("tool", "pattern"), [("uv", "wheels-*"), ("pip", "packages-*")])
def test_a_restored_cache_is_used_and_left_as_it_is(
    worker: Worker, settings_of: Callable[..., TaskSettings], tool: str, pattern: str
) -> None:
    settings = settings_of("cached_venv", tool=tool)
    assert worker.run(settings, "first").returncode == 0
    kept = as_kestra_keeps(worker.root / "executions" / "first", worker.root / "cache", pattern)
    shutil.rmtree(worker.disk, ignore_errors=True)  # another worker, which reaches no index
    worker.extra.update({"UV_DEFAULT_INDEX": NOWHERE, "PIP_INDEX_URL": NOWHERE})
    assert worker.run(settings, "second", kept).stdout.startswith("tiny 1.0 ")
    second = worker.root / "executions" / "second"
    (folder,) = second.glob(pattern)
    assert contents(folder, second) == contents(kept, kept)


def contents(folder: Path, root: Path) -> dict[str, tuple[bytes, int]]:
    """What makes Kestra store a cache again: a file that came, went or is younger."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_executions_at_once_share_one_build(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    settings = settings_of("worker_venv")
    started = [worker.start(settings, f"execution-{number}") for number in range(4)]
    answers = [(process.communicate(timeout=300), process.returncode) for process in started]
    assert [code for _, code in answers] == [0, 0, 0, 0]
    assert all(out.startswith("tiny 1.0 ") for (out, _), _ in answers)
    assert sum(call.startswith("venv ") for call in worker.uv_calls) == 1


def test_a_later_run_starts_no_installer(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    settings = settings_of("worker_venv")
    worker.run(settings, "first")
    calls = len(worker.uv_calls)
    assert worker.run(settings, "second").returncode == 0
    assert len(worker.uv_calls) == calls


def test_a_half_built_environment_is_never_used(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    settings = settings_of("worker_venv")
    worker.run(settings, "first")
    (built,) = (path for path in worker.disk.glob("env-*") if path.is_dir())
    (built / "complete").unlink()
    (module,) = built.rglob("kestra_tiny.py")
    module.write_text("raise SystemExit('half built')")
    assert worker.run(settings, "second").stdout.startswith("tiny 1.0 ")


def test_an_environment_whose_python_is_gone_is_built_anew(
    worker: Worker, settings_of: Callable[..., TaskSettings]
) -> None:
    settings = settings_of("worker_venv")
    worker.run(settings, "first")
    (built,) = (path for path in worker.disk.glob("env-*") if path.is_dir())
    (built / "bin" / "python").unlink()
    (built / "bin" / "python").symlink_to("/nowhere/python")
    assert worker.run(settings, "second").stdout.startswith("tiny 1.0 ")


def test_old_environments_go_but_not_those_in_use(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    long_ago = time.time() - 40 * 24 * 3600
    for name in ("env-old", "env-used", "env-young"):
        (worker.disk / name).mkdir(parents=True)
        (worker.disk / f"{name}.lock").touch()
    for name in ("env-old.lock", "env-used.lock"):
        os.utime(worker.disk / name, (long_ago, long_ago))
    with (worker.disk / "env-used.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert worker.run(settings_of("worker_venv"), "run").returncode == 0
    left = {path.name for path in worker.disk.glob("env-*") if path.is_dir()}
    assert "env-old" not in left
    assert {"env-used", "env-young"} < left


def test_using_an_environment_makes_it_young(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    settings = settings_of("worker_venv")
    worker.run(settings, "first")
    (lock,) = worker.disk.glob("env-*.lock")
    os.utime(lock, (0, 0))
    worker.run(settings, "second")
    assert lock.stat().st_mtime > 0


@pytest.mark.parametrize(("strategy", "tool"), [row for row in STRATEGIES if row != ("worker_venv", "pip")])
def test_what_cannot_be_installed_stops_in_one_line_and_the_next_run_starts_clean(
    worker: Worker, settings_of: Callable[..., TaskSettings], strategy: str, tool: str
) -> None:
    failed = worker.run(settings_of(strategy, "9.9", tool=tool), "failed")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert re.fullmatch(r"kestra-nb: main\.py was not started: .*kestra-tiny==9\.9.*\n", failed.stderr)
    assert worker.run(settings_of(strategy, tool=tool), "next").stdout.startswith("tiny 1.0 ")


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_no_network_is_named(worker: Worker, settings_of: Callable[..., TaskSettings], tool: str) -> None:
    worker.extra.update(
        {"UV_DEFAULT_INDEX": NOWHERE, "PIP_INDEX_URL": NOWHERE, "UV_HTTP_RETRIES": "0", "PIP_RETRIES": "1"}
    )
    failed = worker.run(settings_of("cached_venv", tool=tool), "failed")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("kestra-nb: main.py was not started: ")
    assert failed.stderr.count("\n") == 1
    assert "Connection refused" in failed.stderr
    assert ("kestra-tiny" if tool == "pip" else "/pip/") in failed.stderr


def test_a_disk_that_takes_no_more_is_named(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    settings = settings_of("fresh_venv")
    limited = dataclasses.replace(settings, before_commands=(Verbatim("ulimit -f 1"), *settings.before_commands))
    failed = worker.run(limited, "failed")
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "File size limit exceeded" in failed.stderr


def test_another_python_is_named(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    failed = worker.run(settings_of("before_commands", tool="pip", python="3.4"), "failed")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert f"this worker has Python {PYTHON}." in failed.stderr
    assert "the lock is for 3.4: export with --target-python" in failed.stderr


def test_a_disk_that_runs_no_files_is_named(worker: Worker, settings_of: Callable[..., TaskSettings]) -> None:
    executions = worker.root / "executions"
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,noexec "$0" && cd "$PWD" && exec "$@"'
    worker.shell_of = ("unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(executions))
    if subprocess.run([*worker.shell_of, "true"], cwd=executions, check=False, capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    compiled = settings_of("worker_venv", wheel="kestra_tiny-1.0-cp312-cp312-manylinux_2_28_x86_64.whl")
    failed = worker.run(compiled, "failed")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert re.fullmatch(r"kestra-nb: main\.py was not started: /.* is mounted noexec, .*\n", failed.stderr)
    assert worker.run(settings_of("worker_venv"), "python alone").stdout.startswith("tiny 1.0 ")
