"""Kestra's engine made ready to start: class path by Maven, harness compiled by javac, both kept outside the tree."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parents[1] / "engine"
LINES: Final = ("1.3", "2.0")
NEEDED: Final = 25
"""Kestra 1.3 runs on Java 21 and later, 2.0 needs 25: one JDK for both."""

MAVEN_GOAL: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"
JVM_FOLDERS: Final = ("/usr/lib/jvm", "/opt/java", "/Library/Java/JavaVirtualMachines")


class EngineMissingError(RuntimeError):
    """The machine lacks what the engine needs; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What starts one line: the JDK's ``java`` and a class path with the harness first."""

    line: str
    java: Path
    classpath: str


def cache_folder() -> Path:
    """Where everything that is slow to make is kept, outside the tree."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kestra-nb-tests"


def find_jdk() -> Path:
    """The folder of a JDK with javac, version 25 or later.

    Raises:
        EngineMissingError: no such JDK at JAVA_HOME, in the usual folders or on PATH.
    """
    for home in _homes():
        if _version(home) >= NEEDED:
            return home
    message = f"no JDK {NEEDED} with javac at JAVA_HOME, in {', '.join(JVM_FOLDERS)} or on PATH"
    raise EngineMissingError(message)


def _homes() -> list[Path]:
    stated = os.environ.get("JAVA_HOME")
    homes = [Path(stated)] if stated else []
    for folder in map(Path, JVM_FOLDERS):
        homes += sorted(folder.glob("*")) + sorted(folder.glob("*/Contents/Home"))
    on_path = shutil.which("javac")
    return [*homes, *([Path(on_path).resolve().parents[1]] if on_path else [])]


def _version(home: Path) -> int:
    release = home / "release"
    if not (home / "bin" / "javac").exists() or not release.exists():
        return 0
    found = re.search(r'JAVA_VERSION="(\d+)', release.read_text(encoding="utf-8"))
    return int(found[1]) if found else 0


def build(line: str) -> Built:
    """Make one line ready; seconds when it was made before, about a minute with an empty Maven repository.

    Raises:
        EngineMissingError: no JDK, no Maven, or Maven and javac said no.
    """
    jdk = find_jdk()
    folder = cache_folder() / "engine" / line / _key(jdk)
    if not (folder / "classpath").exists():
        _make(line, jdk, folder)
    classpath = (folder / "classpath").read_text(encoding="utf-8")
    return Built(line=line, java=jdk / "bin" / "java", classpath=f"{folder / 'classes'}{os.pathsep}{classpath}")


def _key(jdk: Path) -> str:
    digest = hashlib.sha256(str(jdk).encode())
    for file in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(SOURCES)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _make(line: str, jdk: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    classes = folder / "classes"
    classes.mkdir(parents=True)
    classpath = _classpath(line, jdk, folder / "resolving")
    kinds = ("common", "standin", f"line-{line}")
    files = [str(file) for kind in kinds for file in sorted((SOURCES / "src" / kind).rglob("*.java"))]
    _call([str(jdk / "bin" / "javac"), "-proc:none", "-nowarn", "-d", str(classes), "-cp", classpath, *files])
    shutil.copytree(SOURCES / "resources", classes, dirs_exist_ok=True)
    (folder / "resolving").replace(folder / "classpath")


def _classpath(line: str, jdk: Path, answer: Path) -> str:
    maven = shutil.which("mvn")
    if maven is None:
        message = "Maven (mvn) is not on PATH"
        raise EngineMissingError(message)
    pom = str(SOURCES / "pom.xml")
    _call([maven, "-q", "-B", "-f", pom, f"-P{line}", MAVEN_GOAL, f"-Dmdep.outputFile={answer}"], JAVA_HOME=str(jdk))
    return answer.read_text(encoding="utf-8")


def _call(command: list[str], **variables: str) -> None:
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{command[0]} failed: {(done.stdout + done.stderr)[-2000:]}"
        raise EngineMissingError(message)
