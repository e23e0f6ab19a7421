"""A full Kestra server over REST, asked the same things as the engine.

Written after the API of 1.3.31 and 2.0 as measured elsewhere; where the tests run by default there is no server, so
this module is not exercised there. Set KESTRA_NB_TEST_URL (and KESTRA_NB_TEST_USER and KESTRA_NB_TEST_PASSWORD) to use
it.
"""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import urllib3  # noqa: TID253 - a test that talks to a server

from tests.kestra.harness.values import Execution, Log, TaskRun, Verdict, sequence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ENDED: Final = frozenset({"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "CANCELED", "SKIPPED"})
OK: Final = 300
POLL_SECONDS: Final = 0.3
TENANT: Final = "/api/v1/main"
YAML: Final = "application/x-yaml"


class ServerError(RuntimeError):
    """The server refused; the message holds the status and its words."""


class Server:
    """Kestra at an address, tenant ``main``.

    Args:
        url: Where it is, as ``http://localhost:8080``.
        user: For basic authentication, if it asks for it.
        password: For basic authentication.
    """

    def __init__(self, url: str, *, user: str | None = None, password: str | None = None) -> None:
        login = urllib3.make_headers(basic_auth=f"{user}:{password}") if user else {}
        self._url, self._pool, self._headers = url.rstrip("/"), urllib3.PoolManager(), login
        self.version = str(self._json("GET", "/api/v1/configs")["version"])
        self.line = ".".join(self.version.split(".")[:2])

    def validate(self, yaml: str) -> Verdict:
        """Ask the route that the editor asks."""
        found = self._json("POST", f"{TENANT}/flows/validate", body=yaml.encode(), kind=YAML)[0]
        return Verdict(
            constraints=found.get("constraints") or "",
            warnings=sequence(found.get("warnings")),
            infos=sequence(found.get("infos")),
            deprecations=sequence(found.get("deprecationPaths")),
        )

    def run(
        self,
        yaml: str,
        *,
        inputs: Mapping[str, object] | None = None,
        files: Mapping[str, Path] | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> Execution:
        """Save the flow, run it, wait for its end.

        Raises:
            ServerError: the flow or the inputs were refused, or it did not end in time.
        """
        saved = self._json("POST", f"{TENANT}/flows/bulk?delete=false", body=yaml.encode(), kind=YAML)
        flow = saved[0] if isinstance(saved, list) else saved["results"][0]
        query = "&".join(f"labels={key}:{value}" for key, value in (labels or {}).items())
        parts: dict[str, str | tuple[str, bytes]] = {name: _text(value) for name, value in (inputs or {}).items()}
        parts |= {name: (path.name, path.read_bytes()) for name, path in (files or {}).items()}
        path = f"{TENANT}/executions/{flow['namespace']}/{flow['id']}?{query}"
        began = time.monotonic()
        found = self._json("POST", path, fields=parts)
        while found["state"]["current"] not in ENDED:
            if time.monotonic() - began > timeout:
                message = f"not ended in {timeout} s, last seen as {found['state']['current']}"
                raise ServerError(message)
            time.sleep(POLL_SECONDS)
            found = self._json("GET", f"{TENANT}/executions/{found['id']}")
        return self._execution(found, time.monotonic() - began)

    def _execution(self, found: Mapping[str, Any], seconds: float) -> Execution:
        number = found["id"]
        logs = self._json("GET", f"{TENANT}/logs/{number}")
        return Execution(
            id=number,
            state=found["state"]["current"],
            tasks=tuple(self._task(number, run) for run in found.get("taskRunList") or ()),
            outputs=found["outputs"] if "outputs" in found else self._outputs(f"outputs/executions/{number}"),
            logs=tuple(
                Log(task=log.get("taskId"), level=log["level"], message=log.get("message") or "") for log in logs
            ),
            seconds=seconds,
            inputs=found.get("inputs") or {},
        )

    def _task(self, execution: str, run: Mapping[str, Any]) -> TaskRun:
        moments = [(entry["state"], datetime.fromisoformat(entry["date"])) for entry in run["state"]["histories"]]
        started = next((moment for state, moment in moments if state == "RUNNING"), moments[-1][1])
        return TaskRun(
            id=run["taskId"],
            state=run["state"]["current"],
            attempts=len(run.get("attempts") or ()),
            seconds=(moments[-1][1] - moments[0][1]).total_seconds(),
            running=(moments[-1][1] - started).total_seconds(),
            outputs=run["outputs"] if "outputs" in run else self._outputs(f"outputs/tasks/{execution}/{run['id']}"),
        )

    def _outputs(self, path: str) -> Mapping[str, Any]:
        """Outputs by the API of 2.0, where they are no longer part of the execution."""
        try:
            found: Mapping[str, Any] = self._json("GET", f"{TENANT}/{path}")
        except ServerError:
            return {}
        return found

    def upload(self, namespace: str, files: Mapping[str, Path]) -> None:
        """Put files into a namespace; keys are paths there."""
        for name, path in files.items():
            fields = {"fileContent": (path.name, path.read_bytes())}
            self._call("POST", f"{TENANT}/namespaces/{namespace}/files?path=/{name}", fields=fields)

    def read(self, uri: str) -> bytes:
        """The content of a ``kestra://`` address of an execution."""
        execution = uri.split("/executions/")[1].split("/", maxsplit=1)[0]
        return self._call("GET", f"{TENANT}/executions/{execution}/file?path={uri}")

    def _json(self, method: str, path: str, **parts: Any) -> Any:  # noqa: ANN401 - whatever the route takes and answers
        return json.loads(self._call(method, path, **parts) or b"null")

    def _call(self, method: str, path: str, *, kind: str | None = None, **parts: Any) -> bytes:  # noqa: ANN401 - as urllib3 takes them
        headers = {**self._headers, **({"Content-Type": kind} if kind else {})}
        answer = self._pool.request(method, self._url + path, headers=headers, retries=False, **parts)
        if answer.status >= OK:
            message = f"{method} {path}: {answer.status} {answer.data[:500]!r}"
            raise ServerError(message)
        return answer.data


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
