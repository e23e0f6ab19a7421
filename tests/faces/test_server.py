"""The routes on a real Jupyter server."""

from __future__ import annotations

import asyncio
import json
import threading
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest
from tornado.httpclient import HTTPClientError

from kestra_nb import environment, pipeline
from kestra_nb.errors import FlowError
from kestra_nb.server import asks, verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_server.serverapp import ServerApp

    from kestra_nb.config import Settings
    from kestra_nb.model.dependency import Environment
    from kestra_nb.model.notebook import Notebook
    from kestra_nb.model.outcome import Scan

pytest_plugins = ["pytest_jupyter.jupyter_server"]

Fetch = Any


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"kestra_nb": True}}}


def notebook(*sources: str, **metadata: object) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": ["parameters"]} if source.startswith("ROWS") else {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources, 1)
    ]
    language = {"language_info": {"name": "python"}}
    return {"cells": cells, "metadata": {**language, **metadata}, "nbformat": 4, "nbformat_minor": 5}


def body(path: str = "sales.ipynb", *, cells: tuple[str, ...] = ("import yaml\n",), **more: object) -> dict[str, Any]:
    return {"path": path, "notebook": notebook(*cells), **more}


def below(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


async def post(fetch: Fetch, route: str, data: object) -> dict[str, Any]:
    answer = await fetch("kestra-nb", route, method="POST", body=json.dumps(data), request_timeout=120)
    result: dict[str, Any] = json.loads(answer.body)
    return result


async def refused(fetch: Fetch, route: str, data: object) -> tuple[int, dict[str, Any]]:
    text = data if isinstance(data, (str, bytes)) else json.dumps(data)
    with pytest.raises(HTTPClientError) as caught:
        await fetch("kestra-nb", route, method="POST", body=text, request_timeout=120)
    assert caught.value.response is not None
    problem: dict[str, Any] = json.loads(caught.value.response.body)
    assert set(problem) == {"code", "message", "hint", "location"}
    assert "Traceback" not in caught.value.response.body.decode()
    return caught.value.code, problem


# --- who may ask ----------------------------------------------------------------------------------------------------


async def test_no_route_answers_without_a_token(jp_fetch: Fetch) -> None:
    for method, route in [("GET", "about"), *(("POST", route) for route in verbs.VERBS)]:
        text = json.dumps(body()) if method == "POST" else None
        with pytest.raises(HTTPClientError) as caught:
            await jp_fetch("kestra-nb", route, method=method, body=text, headers={"Authorization": ""})
        assert caught.value.code == 403, route


async def test_a_cookie_needs_the_xsrf_token_as_well(
    jp_serverapp: ServerApp, jp_base_url: str, http_server_client: Fetch
) -> None:
    token = jp_serverapp.identity_provider.token
    cookies = {}
    for page in (f"api/me?token={token}", "login"):
        answer = await http_server_client.fetch(f"{jp_base_url}{page}")
        for line in answer.headers.get_list("Set-Cookie"):
            cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    for route in verbs.VERBS:
        url, text = f"{jp_base_url}kestra-nb/{route}", json.dumps(body(name="yaml"))
        with pytest.raises(HTTPClientError) as caught:
            await http_server_client.fetch(url, method="POST", body=text, headers=headers)
        assert caught.value.code == 403, route
        assert caught.value.response is not None
        assert "_xsrf" in json.loads(caught.value.response.body)["message"]
        both = {**headers, "X-XSRFToken": cookies["_xsrf"]}
        answer = await http_server_client.fetch(url, method="POST", body=text, headers=both, request_timeout=120)
        assert answer.code == 200, route


async def test_about_gives_version_probe_and_options(jp_fetch: Fetch) -> None:
    import kestra_nb

    answer = json.loads((await jp_fetch("kestra-nb", "about")).body)
    assert answer["version"] == kestra_nb.__version__
    assert answer["probe"] == environment.PROBE
    assert answer["options"]["namespace"]["default"] == "company.team"
    assert "python" not in answer["options"]


# --- what may be asked ----------------------------------------------------------------------------------------------


async def test_paths_outside_the_root_and_hidden_ones_are_refused(jp_fetch: Fetch) -> None:
    above = ["../sales.ipynb", "a/../../sales.ipynb", "/etc/sales.ipynb", "a\\..\\sales.ipynb", "a\0b.ipynb"]
    for path in [*above, ".git/sales.ipynb", ".sales.ipynb"]:
        status, problem = await refused(jp_fetch, "plan", body(path))
        assert (status, problem["code"]) == (403, "KNB503"), path
        assert repr(path) in problem["message"]


@pytest.mark.parametrize("layer", ["options", "preferences", "metadata"])
async def test_a_flow_folder_stays_below_the_root(
    jp_fetch: Fetch, jp_root_dir: Path, tmp_path: Path, layer: str
) -> None:
    before = below(tmp_path)
    for out in ["..", "../elsewhere", "/tmp", ".hidden", "a/../../b"]:  # noqa: S108  it must be refused
        asked = body()
        if layer == "metadata":
            asked["notebook"]["metadata"]["kestra_nb"] = {"out": out}
        else:
            asked[layer] = {"out": out}
        status, problem = await refused(jp_fetch, "export", asked)
        assert (status, problem["code"]) == (403, "KNB503"), out
    assert not any(name.endswith(".yaml") for name in below(jp_root_dir))
    assert below(tmp_path) == before


MALFORMED = [
    ("", "no JSON"),
    ("{", "no JSON"),
    ("[" * 100_000, "no JSON"),
    ("[]", "not of type 'object'"),
    ('{"path": "a.ipynb"}', "'notebook' is a required property"),
    ('{"path": 1, "notebook": {}}', "'path'"),
    ('{"path": "a.ipynb", "notebook": {}, "colour": 1}', "'colour' was unexpected"),
    ('{"path": "a.ipynb", "notebook": {}, "options": {"namespce": "a"}}', "'namespce' was unexpected"),
    ('{"path": "a.ipynb", "notebook": {}, "options": {"retry": "three"}}', "options/retry"),
    ('{"path": "a.ipynb", "notebook": {}, "options": {"python": "/bin/sh"}}', "'python' was unexpected"),
]


async def test_a_malformed_body_is_refused_in_one_sentence(jp_fetch: Fetch) -> None:
    for text, said in MALFORMED:
        status, problem = await refused(jp_fetch, "plan", text)
        assert (status, problem["code"]) == (400, "KNB502"), text[:80]
        assert said in problem["message"]


async def test_a_body_that_is_too_large_is_refused(jp_fetch: Fetch) -> None:
    status, problem = await refused(jp_fetch, "plan", b" " * (asks.MOST_BYTES + 1))
    assert (status, problem["code"]) == (413, "KNB504")


async def test_a_notebook_that_is_none_and_one_in_another_language_are_named(jp_fetch: Fetch) -> None:
    status, problem = await refused(jp_fetch, "plan", {"path": "sales.ipynb", "notebook": {"cells": 1}})
    assert status == 422
    assert "sales.ipynb" in problem["message"]
    asked = {"path": "sales.ipynb", "notebook": notebook("x <- 1", language_info={"name": "R"})}
    status, problem = await refused(jp_fetch, "plan", asked)
    assert status == 422
    assert problem["code"].startswith("KNB1")


async def test_an_interpreter_named_by_a_notebook_is_never_started(jp_fetch: Fetch, jp_root_dir: Path) -> None:
    trap = jp_root_dir / "python"
    trap.write_text("#!/bin/sh\ntouch " + str(jp_root_dir / "sprung") + "\n")
    trap.chmod(0o755)
    asked = body(options={"force": True})
    asked["notebook"]["metadata"]["kestra_nb"] = {"python": str(trap)}
    described = {"python": "3.11.2", "platform": "linux-x86_64", "distributions": {}, "owners": {}}
    await post(jp_fetch, "plan", {**asked, "environment": {**described, "executable": str(trap)}})
    (jp_root_dir / "pyproject.toml").write_text(f'[tool.kestra-nb]\npython = "{trap}"\n')
    await post(jp_fetch, "plan", asked)
    assert not (jp_root_dir / "sprung").exists()


# --- what is answered -----------------------------------------------------------------------------------------------


async def test_plan_answers_for_the_editors_notebook(jp_fetch: Fetch) -> None:
    answer = await post(jp_fetch, "plan", body(cells=("ROWS = 3\n", "import yaml\n"), path="sales.ipynb"))
    assert [item["name"] for item in answer["requirements"]] == ["pyyaml"]
    assert answer["requirements"][0]["imports"][0]["location"]["cell"] == 2
    assert [(item["name"], item["type"], item["default"]) for item in answer["inputs"]] == [("ROWS", "INT", 3)]
    assert answer["recommended"] == answer["strategy"] == answer["plans"][0]["strategy"]
    assert answer["flow"] == {"folder": "", "path": "_flows/sales.yaml", "saved": False}
    assert {item["strategy"] for item in answer["plans"]} >= {"before_commands", "custom_image", "catalogue_image"}


async def test_the_kernels_environment_counts_when_it_is_sent(jp_fetch: Fetch) -> None:
    row = {"name": "tinylib", "display_name": "tinylib", "version": "1.2.3", "requires": []}
    described = {
        "python": "3.11.2",
        "platform": "linux-x86_64",
        "distributions": {"tinylib": row},
        "owners": {"tinylib": ["tinylib"]},
        "stdlib": ["os"],
    }
    answer = await post(jp_fetch, "plan", body(cells=("import tinylib\n",), environment=described))
    assert [item["requirement"] for item in answer["requirements"]] == ["tinylib==1.2.3"]
    assert answer["environment"] == {
        "origin": "kernel", "python": "3.11.2", "platform": "linux-x86_64", "distributions": 1,
    }  # fmt: skip


async def test_export_writes_what_preview_showed(jp_fetch: Fetch, jp_root_dir: Path) -> None:
    (jp_root_dir / "reports").mkdir()
    asked = body("reports/sales.ipynb", options={"namespace": "sales.daily", "out": ".."})
    shown = await post(jp_fetch, "preview", asked)
    assert shown["flow"] == {"folder": "", "path": "_flows/sales.yaml", "saved": False}
    done = await post(jp_fetch, "export", asked)
    assert (jp_root_dir / "_flows/sales.yaml").read_text() == shown["yaml"]
    assert "namespace: sales.daily" in shown["yaml"]
    assert done["flow"]["saved"] is True
    for file in shown["files"]:
        assert (jp_root_dir / file["path"]).read_text() == file["text"]
    again = await post(jp_fetch, "export", asked)
    assert again["written"] == []


async def test_preview_tells_the_difference_to_the_saved_flow(jp_fetch: Fetch, jp_root_dir: Path) -> None:
    await post(jp_fetch, "export", body())
    assert (await post(jp_fetch, "preview", body()))["difference"] == []
    shown = await post(jp_fetch, "preview", body(cells=("import yaml\nprint(yaml)\n",)))
    added = [line["text"].strip() for line in shown["difference"] if line["kind"] == "+"]
    assert "print(yaml)" in added
    assert (jp_root_dir / "_flows/sales.yaml").exists()


async def test_a_flow_edited_by_hand_is_kept_until_forced(jp_fetch: Fetch, jp_root_dir: Path) -> None:
    await post(jp_fetch, "export", body())
    flow = jp_root_dir / "_flows/sales.yaml"
    flow.write_text(flow.read_text() + "# mine\n")
    changed = body(cells=("import yaml\nyaml\n",))
    status, problem = await refused(jp_fetch, "export", changed)
    assert (status, problem["code"][:4]) == (409, FlowError.default_code[:4])
    assert flow.read_text().endswith("# mine\n")
    await post(jp_fetch, "export", {**changed, "options": {"force": True}})
    assert not flow.read_text().endswith("# mine\n")


async def test_why_answers_and_wants_a_name(jp_fetch: Fetch) -> None:
    answer = await post(jp_fetch, "why", body(name="yaml"))
    assert answer["included"] is True
    assert "import yaml" in answer["lines"][0]
    status, problem = await refused(jp_fetch, "why", body())
    assert (status, "'name'" in problem["message"]) == (400, True)


async def test_an_unknown_strategy_and_a_wrong_setting_are_refused(jp_fetch: Fetch) -> None:
    status, problem = await refused(jp_fetch, "plan", body(options={"strategy": "cached_vnev"}))
    assert status == 422
    assert "cached_venv" in problem["hint"] + problem["message"]
    status, problem = await refused(jp_fetch, "plan", body(options={"namespace": "Has Space"}))
    assert (status, problem["code"]) == (400, "KNB001")


# --- how it answers -------------------------------------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Make every scan wait until the test lets it go on."""
    gate = threading.Event()
    real = pipeline.scan

    def scan(notebook: Notebook, settings: Settings, *, environment: Environment | None) -> Scan:
        assert gate.wait(30)
        return real(notebook, settings, environment=environment)

    monkeypatch.setattr(pipeline, "scan", scan)
    yield gate.set
    gate.set()


async def test_a_long_scan_does_not_hold_up_the_server(jp_fetch: Fetch, slow: Callable[[], None]) -> None:
    long = asyncio.ensure_future(post(jp_fetch, "plan", body()))
    await asyncio.sleep(0.2)
    answer = await jp_fetch("api", "status")
    assert answer.code == 200
    assert not long.done()
    slow()
    assert (await long)["requirements"]


async def test_two_requests_at_once_get_each_its_own_answer(jp_fetch: Fetch) -> None:
    first, second = await asyncio.gather(
        post(jp_fetch, "plan", body("a.ipynb", cells=("import yaml\n",))),
        post(jp_fetch, "plan", body("b.ipynb", cells=("import packaging\n",))),
    )
    assert [item["name"] for item in first["requirements"]] == ["pyyaml"]
    assert [item["name"] for item in second["requirements"]] == ["packaging"]


async def test_nothing_is_written_when_nobody_waits_any_longer(
    jp_fetch: Fetch, jp_root_dir: Path, slow: Callable[[], None]
) -> None:
    with pytest.raises(HTTPClientError, match="Timeout"):
        await jp_fetch("kestra-nb", "export", method="POST", body=json.dumps(body()), request_timeout=0.5)
    await asyncio.sleep(0.2)
    slow()
    await asyncio.sleep(2)  # several times what writing takes
    assert not (jp_root_dir / "_flows").exists()


async def test_what_nobody_expected_keeps_its_secrets(
    jp_fetch: Fetch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "a secret 1234"
        raise RuntimeError(message)

    monkeypatch.setattr(pipeline, "scan", broken)
    status, problem = await refused(jp_fetch, "plan", body())
    assert (status, problem["code"]) == (500, "KNB505")
    assert "1234" not in json.dumps(problem)
    assert "1234" in caplog.text
