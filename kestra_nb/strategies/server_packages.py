"""The strategy ``server_packages``."""

from __future__ import annotations

from kestra_nb.model.finding import Finding
from kestra_nb.model.flow import PROCESS, PYTHON_COMMANDS, Flow, Task, Verbatim
from kestra_nb.model.plan import Case, ExtraFile, Plan, Step, TaskSettings
from kestra_nb.strategies.base import (
    REQUIREMENTS,
    judge,
    needs_a_shell,
    nothing_to_install,
    package_manager,
    requirements_text,
)
from kestra_nb.strategies.costs import cost
from kestra_nb.strategies.installed import check_lock

CHECK = "check_packages.py"


class ServerPackages:
    """The packages are installed where Kestra runs, when its server starts.

    **What the flow does.** The task runs on the worker with the server's own Python, and installs nothing. Three files
    say how the packages get there: a command for a standalone server, a Dockerfile, and a change for docker compose.
    A second flow, `list_dependencies`, compares what the server has with the lock and fails with the difference; the
    flow itself makes the same comparison before its script starts.

    **When it fits.** You may change how the Kestra server is started, and few flows share it.

    **What it costs.** 1.1 s for pandas at every run. Installing it, and restarting every server and worker, is by hand.

    **When it is refused.** The server is not yours to change.

    **Where it differs from Kestra's page.** The versions are pinned and compared; the Dockerfile also does for an
    externally managed Python (PEP 668) and for an image without pip; `list_dependencies` fails instead of printing.
    """

    name = "server_packages"
    title = "Installed at server start"

    def plan(self, case: Case) -> Plan:
        """Fit where the person may change the server."""
        plan = Plan(
            strategy=self.name,
            title=self.title,
            fits=True,
            summary="The packages are installed in the server's own Python when it starts; a run installs nothing.",
            reasons=("Runs prepare nothing and need neither an index nor a container.",),
            settings=TaskSettings(runner=PROCESS, interpreter="python3", package_manager=package_manager(case)),
            preamble=check_lock(case.lock),
            further_flows=(_verification(case),),
            files=_files(case),
            steps=_steps(case),
            hand_work=3,
            moving_parts=2,
            cost=cost("preinstalled", case),
            findings=(SHARED,),
        )
        objections = (*nothing_to_install(case), *needs_a_shell(case.target))
        return judge(plan, case, rests_on=("own_server",), objections=objections)


SHARED = Finding(
    code="KNB311",
    severity="info",
    message="All flows of the server share its Python: another flow's requirements can change these versions.",
    hint="The run stops before the script when they differ; run list_dependencies after every change of the server.",
)


def _verification(case: Case) -> Flow:
    task = Task(
        id="compare",
        type=PYTHON_COMMANDS,
        runner=PROCESS,
        package_manager=package_manager(case),
        input_files={CHECK: Verbatim(check_lock(case.lock), python=True)},
        commands=(Verbatim("python3 -m pip list || true"), Verbatim(f"python3 {CHECK}")),
    )
    return Flow(
        id=_verification_id(case),
        namespace=case.namespace,
        description=f"Compares the packages of the server with the lock of {case.name}, fails with the difference.",
        tasks=(task,),
    )


def _verification_id(case: Case) -> str:
    """Kestra allows 100 characters."""
    return f"{case.name[:80]}_list_dependencies"


def _steps(case: Case) -> tuple[Step, ...]:
    folder = f"_setup/{case.name}"
    return (
        Step(
            text="Install the packages where Kestra runs, in one of three ways. A server started by hand: run this "
            "instead of its usual command.",
            command=f"sh {folder}/start_standalone.sh",
        ),
        Step(
            text="Or an image of Kestra with the packages in it.",
            command=f"docker build --tag kestra-with-packages {folder}",
        ),
        Step(
            text="Or docker compose: merge docker-compose.override.yaml, and remove the line `command:` of the kestra "
            "service, which the Dockerfile now holds.",
            command=f"docker compose -f docker-compose.yml -f {folder}/docker-compose.override.yaml up --build -d",
        ),
        Step(text="Restart every server and worker; all of them must have the same packages."),
        Step(text=f"Run the flow {_verification_id(case)}, which fails with the difference if there is one."),
    )


def _files(case: Case) -> tuple[ExtraFile, ...]:
    folder = f"_setup/{case.name}"
    return (
        ExtraFile(
            path=f"{folder}/{REQUIREMENTS}",
            text=requirements_text(case),
            purpose="The lock, as the three ways install it.",
        ),
        ExtraFile(
            path=f"{folder}/start_standalone.sh",
            text=STANDALONE,
            purpose="Installs the packages, then starts a standalone Kestra server.",
            executable=True,
        ),
        ExtraFile(
            path=f"{folder}/Dockerfile",
            text=DOCKERFILE.format(line=case.target.kestra[-1]),
            purpose="Builds an image of Kestra that holds the packages.",
        ),
        ExtraFile(
            path=f"{folder}/docker-compose.override.yaml",
            text=COMPOSE.format(folder=folder),
            purpose="Lets docker compose build that image in place of the published one.",
        ),
    )


STANDALONE = f"""\
#!/bin/sh
# Installs the packages of this flow, then starts Kestra. PIP_BREAK_SYSTEM_PACKAGES lets pip into a Python that the
# system manages (PEP 668); other Pythons do not look at it.
set -e
PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --no-deps -r "$(dirname "$0")/{REQUIREMENTS}"
exec "${{KESTRA:-./kestra}}" server standalone "$@"
"""

DOCKERFILE = f"""\
# Put the image your server runs today here; Kestra's own ones are kestra/kestra:vX.Y.Z.
ARG KESTRA_IMAGE=kestra/kestra:v{{line}}
FROM ${{{{KESTRA_IMAGE}}}}
USER root
COPY {REQUIREMENTS} /tmp/{REQUIREMENTS}
# The slim image may come without Python.
RUN python3 -m pip --version || (apt-get update && apt-get install -y --no-install-recommends python3 python3-pip)
RUN PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --no-cache-dir --no-deps -r /tmp/{REQUIREMENTS}
USER kestra
CMD ["server", "standalone"]
"""

COMPOSE = """\
# Beside your own docker-compose.yml. Its kestra service must have no `command:`: the Dockerfile starts the server.
services:
  kestra:
    build: ./{folder}
    image: kestra-with-packages
"""
