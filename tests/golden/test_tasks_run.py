"""Flows that need no packages, run by the shell and this Python as a worker's Process runner would run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kestra_nb.pebble import restore
from tests.golden.support import Golden, bundles, golden_cases

if TYPE_CHECKING:
    from pathlib import Path

CASES = [golden for golden in golden_cases() if golden.prints]


def parameters(flow: dict[str, Any]) -> str:
    """What Kestra makes of ``{{ inputs | toJson }}`` (measured: an absent input is left out, a DATETIME is in UTC)."""
    values = {item["id"]: item["defaults"] for item in flow.get("inputs", ()) if "defaults" in item}
    for item in flow.get("inputs", ()):
        if item["id"] in values and isinstance(values[item["id"]], str):
            text = restore(values[item["id"]], passes=1) or ""
            values[item["id"]] = text.replace("Z", ".000000Z") if item["type"] == "DATETIME" else text
    return json.dumps(values)


@pytest.mark.parametrize("golden", CASES, ids=[golden.name for golden in CASES])
def test_the_task_prints_what_the_notebook_prints(
    golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(golden.folder)
    (bundle,) = bundles(golden, tmp_path / "out").values()
    assert bundle is not None
    flow = yaml.safe_load(bundle.yaml)
    task = flow["tasks"][0]
    work = tmp_path / "work"
    work.mkdir()
    for name, written in task["inputFiles"].items():
        text = parameters(flow) if name == "params.json" else restore(written, passes=1)
        assert text is not None
        (work / name).write_bytes(text.encode())
    shell = "\n".join(["set -e", *task.get("beforeCommands", ()), *task["commands"]])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    ran = subprocess.run(
        ["/bin/sh", "-c", shell],
        cwd=work,
        env={"PATH": os.pathsep.join([str(tmp_path / "bin"), os.defpath]), "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr.decode()) == (0, "")
    assert ran.stdout.decode() == f"{golden.prints}\n"


def test_such_cases_there_are() -> None:
    assert {golden.name for golden in CASES} >= {"no_packages", "every_alphabet", "every_parameter", "asynchronous"}
