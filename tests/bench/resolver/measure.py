"""CPU time and peak memory of one command; wall time is not looked at."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """CPU seconds of a process and all it started, the largest resident set in MiB, and what it printed."""

    cpu: float
    peak: float
    output: str


def run(command: list[str], *, given: str = "", environment: dict[str, str] | None = None) -> Usage:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: It left with anything but 0.
    """
    with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+") as stdout:
        stdin.write(given)
        stdin.seek(0)
        surroundings = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, env=surroundings)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        stdout.seek(0)
        return Usage(cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss / 1024, output=stdout.read())


def best(command: list[str], *, times: int, given: str = "", environment: dict[str, str] | None = None) -> Usage:
    """The run that took the least CPU; the first, which warms caches, counts for nothing."""
    runs = [run(command, given=given, environment=environment) for _ in range(times + 1)]
    return min(runs[1:], key=lambda usage: usage.cpu)
