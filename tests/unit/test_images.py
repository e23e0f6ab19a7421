"""The catalogue, and looking into images: a real registry on loopback, images made of a few paths."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from kestra_nb import images
from kestra_nb.errors import ConfigError, StrategyError
from kestra_nb.images import layers, store
from kestra_nb.images.reference import parse
from kestra_nb.model.plan import Plan
from tests.kestra.harness.docker import registry as serve_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SITE = "usr/local/lib/python3.11/site-packages"
BASE = ("usr/local/bin/python", "usr/local/bin/python3.11", f"{SITE}/numpy-1.26.4.dist-info/METADATA")
OVER = (
    f"{SITE}/.wh.numpy-1.26.4.dist-info",
    f"{SITE}/numpy-2.3.5.dist-info/METADATA",
    f"{SITE}/Ruamel.Yaml-0.18.6.dist-info/METADATA",
    f"{SITE}/legacy_thing-1.0-py3.11.egg-info",
    f"{SITE}/nonsense-of-the-day.dist-info/METADATA",
    "opt/other/lib/python3.11/site-packages/elsewhere-1.0.dist-info/METADATA",
)
HELD = {"legacy-thing": Version("1.0"), "numpy": Version("2.3.5"), "ruamel-yaml": Version("0.18.6")}
SETTINGS = {"architecture": "amd64", "config": {"Env": ["PATH=/usr/local/bin:/usr/bin", "PYTHON_VERSION=3.11.9"]}}


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person who measured nothing yet; gives the folder of their data."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


# --- the catalogue --------------------------------------------------------------------------------------------------


def test_the_catalogue_holds_kestras_python_images_with_predicted_contents() -> None:
    known = {image.name.rpartition("/")[2]: image for image in images.catalogue()}
    assert set(known) == {
        "aws", "awsbatch", "duckdb", "kestrapy", "modal", "polars", "product-automations", "pydata", "sqlmesh",
    }  # fmt: skip
    assert {image.basis for image in known.values()} == {"predicted"}
    assert {image.tag for image in known.values()} == {"latest"}
    assert known["kestrapy"].libc == "musl"
    assert known["polars"].python == "3.10"
    assert len(known["pydata"].distributions) == 36


def test_each_image_holds_what_its_dockerfile_asks_for() -> None:
    text = (resources.files("kestra_nb") / "data" / "images.toml").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^asked = (\[.*\])$", text)
    for row, image in zip(rows, store.shipped(), strict=True):
        asked = {name.partition("[")[0].replace(".", "-") for name in json.loads(row)}
        assert asked <= set(image.distributions), image.name


def test_a_measured_image_takes_the_place_of_the_predicted_one(person: Path) -> None:
    (predicted,) = (image for image in store.shipped() if image.name.endswith("/pydata"))
    fields = {field: getattr(predicted, field) for field in predicted.__dataclass_fields__}
    store.remember(type(predicted)(**{**fields, "basis": "measured", "digest": "sha256:" + "a" * 64}))
    found = [image for image in images.catalogue() if image.name == predicted.name]
    assert [(image.basis, image.distributions) for image in found] == [("measured", predicted.distributions)]
    assert len(images.catalogue()) == len(store.shipped())
    assert [path.name for path in (person / "kestra-nb").iterdir()] == ["images.json"]


def test_a_file_of_measured_images_that_is_none_is_named(person: Path) -> None:
    (person / "kestra-nb").mkdir(parents=True)
    (person / "kestra-nb" / "images.json").write_text("[{}]")
    with pytest.raises(ConfigError, match=r"images\.json' is not the list of measured images"):
        images.catalogue()


# --- references -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "path", "tag"),
    [
        ("python", "python", "library/python", "latest"),
        ("python:3.12-slim", "python", "library/python", "3.12-slim"),
        ("team/sales:1", "team/sales", "team/sales", "1"),
        ("ghcr.io/kestra-io/pydata", "ghcr.io/kestra-io/pydata", "kestra-io/pydata", "latest"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b", "a/b", "c"),
        ("registry:5000/a", "registry:5000/a", "a", "latest"),
    ],
)
def test_reference(text: str, name: str, path: str, tag: str) -> None:
    place = parse(text)
    assert (place.name, place.path, place.tag) == (name, path, tag)


@pytest.mark.parametrize("text", ["", "UPPER", "a b", "x:", "x@sha256:12", "http://x/y", "x//y"])
def test_what_is_no_reference_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(StrategyError, match="is no image; expected") as refused:
        parse(text)
    assert refused.value.code == "KNB320"


# --- layers ---------------------------------------------------------------------------------------------------------


def test_a_later_layer_removes_by_whiteout() -> None:
    assert layers.kept_paths([BASE, OVER]) >= {f"{SITE}/numpy-2.3.5.dist-info/METADATA"}
    assert f"{SITE}/numpy-1.26.4.dist-info/METADATA" not in layers.kept_paths([BASE, OVER])
    assert layers.kept_paths([BASE, [f"{SITE}/.wh..wh..opq"]]) == set(BASE[:2])


def test_the_interpreter_is_the_first_python_on_the_path() -> None:
    paths = frozenset({"opt/venv/bin/python", "opt/venv/bin/python3.12", "usr/bin/python", "usr/bin/python3.11"})
    assert layers.interpreter(paths, "/opt/venv/bin:/usr/bin") == ("opt/venv", "3.12")
    assert layers.interpreter(paths, "/usr/bin") == ("usr", "3.11")
    assert layers.interpreter(paths, "/usr/local/bin") is None


def test_debians_python_looks_in_dist_packages() -> None:
    paths = ("usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO",
             "usr/local/lib/python3.11/dist-packages/attrs-23.1.0.dist-info/METADATA")  # fmt: skip
    assert layers.distributions(paths, "usr", "3.11") == {"attrs": Version("23.1.0"), "six": Version("1.16.0")}


def test_musl_is_seen_by_its_loader() -> None:
    assert layers.libc(["lib/ld-musl-x86_64.so.1"]) == "musl"
    assert layers.libc(["lib/x86_64-linux-gnu/libc.so.6"]) == "glibc"


# --- a registry -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry on loopback that takes what is pushed."""
    if shutil.which("docker-registry") is None:
        pytest.skip("Debian's docker-registry is not installed")
    with serve_registry(tmp_path_factory.mktemp("registry") / "served") as address:
        yield address


class Pushing:
    """Pushes hand-made images to a repository, as Docker would, by the registry's own interface."""

    def __init__(self, repository: str) -> None:
        import urllib3

        self._base = f"http://{repository.partition('/')[0]}/v2/{repository.partition('/')[2]}"
        self._pool = urllib3.PoolManager()

    def blob(self, content: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        started = self._pool.request("POST", f"{self._base}/blobs/uploads/")
        address = started.headers["Location"]
        done = self._pool.request("PUT", f"{address}{'&' if '?' in address else '?'}digest={digest}", body=content)
        assert done.status == 201, done.data
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def manifest(self, tag: str, content: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(content).encode()
        headers = {"Content-Type": content["mediaType"]}
        done = self._pool.request("PUT", f"{self._base}/manifests/{tag}", body=body, headers=headers)
        assert done.status == 201, done.data
        return {"mediaType": content["mediaType"], "digest": done.headers["Docker-Content-Digest"], "size": len(body)}

    def image(self, tag: str, *paths: tuple[str, ...], settings: dict[str, Any] = SETTINGS) -> dict[str, Any]:
        config = self.blob(json.dumps(settings).encode(), "application/vnd.docker.container.image.v1+json")
        kind = "application/vnd.docker.image.rootfs.diff.tar.gzip"
        return self.manifest(
            tag,
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "config": config,
                "layers": [self.blob(layer(names), kind) for names in paths],
            },
        )

    def index(self, tag: str, *entries: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        listed = [{**entry, "platform": {"os": "linux", "architecture": machine}} for machine, entry in entries]
        kind = "application/vnd.docker.distribution.manifest.list.v2+json"
        return self.manifest(tag, {"schemaVersion": 2, "mediaType": kind, "manifests": listed})


def layer(names: tuple[str, ...]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(f"./{name}"))
    return gzip.compress(packed.getvalue(), mtime=0)


def test_an_image_is_measured_out_of_its_layers(registry: str) -> None:
    pushed = Pushing(f"{registry}/team/sales").image("v1", BASE, OVER)
    image = images.measure(f"{registry}/team/sales:v1", "registry")
    assert (image.name, image.tag, image.python, image.libc) == (f"{registry}/team/sales", "v1", "3.11.9", "glibc")
    assert (image.basis, image.digest, image.platforms) == ("measured", pushed["digest"], ("linux/amd64",))
    assert image.distributions == HELD
    assert image.size is not None
    assert image.size > 0
    assert image in images.catalogue()


def test_of_several_platforms_the_digest_is_the_indexs(registry: str) -> None:
    pushing = Pushing(f"{registry}/team/both")
    arm = pushing.image("arm", BASE, settings={"architecture": "arm64", "config": {}})
    index = pushing.index("latest", ("arm64", arm), ("amd64", pushing.image("amd", BASE, OVER)))
    image = images.measure(f"{registry}/team/both", "registry")
    assert image.digest == index["digest"]
    assert image.platforms == ("linux/arm64", "linux/amd64")
    assert image.distributions == HELD


def test_a_digest_is_measured_as_well_as_a_tag(registry: str) -> None:
    pushed = Pushing(f"{registry}/team/pinned").image("v1", BASE)
    image = images.measure(f"{registry}/team/pinned@{pushed['digest']}", "registry")
    assert (image.digest, image.distributions) == (pushed["digest"], {"numpy": Version("1.26.4")})


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("team/none:v1", "KNB320", "its registry answered 404"),
        ("team/bare:v1", "KNB321", "has no command python on its PATH"),
        ("team/broken:v1", "KNB320", "A layer of .* cannot be read here"),
        ("team/arm:v1", "KNB320", "is not there for linux/amd64"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence_and_remembered_nowhere(
    registry: str, person: Path, path: str, code: str, says: str
) -> None:
    Pushing(f"{registry}/team/bare").image("v1", ("etc/passwd",))
    pushing = Pushing(f"{registry}/team/broken")
    config = pushing.blob(json.dumps(SETTINGS).encode(), "application/vnd.docker.container.image.v1+json")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    bad = pushing.blob(b"\x28\xb5\x2f\xfd not a tar", "application/vnd.oci.image.layer.v1.tar+zstd")
    pushing.manifest("v1", {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [bad]})
    arm = Pushing(f"{registry}/team/arm")
    arm.index("v1", ("arm64", arm.image("one", BASE)))
    with pytest.raises(StrategyError, match=says) as refused:
        images.measure(f"{registry}/{path}", "registry")
    assert refused.value.code == code
    assert not person.exists()


def test_a_registry_that_is_away_is_one_sentence() -> None:
    with pytest.raises(StrategyError, match=r"its registry cannot be reached \(.*Connection refused\)\.$"):
        images.measure("127.0.0.1:9/team/sales:v1", "registry")


# --- login ----------------------------------------------------------------------------------------------------------


class Guarded(BaseHTTPRequestHandler):
    """A registry that gives a token to anonymous readers of one repository and to nobody else (Docker's scheme)."""

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            self._say(200, b'{"token": "good"}')
        elif self.headers.get("Authorization") == "Bearer good" and "/open/" in self.path:
            self._say(404, b"{}")
        else:
            self._say(401, b"{}")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        host = f"http://{self.headers['Host']}"
        if status == 401:
            self.send_header("WWW-Authenticate", f'Bearer realm="{host}/token",service="x",scope="pull"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
        """Say nothing."""


@pytest.fixture
def guarded() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_token_for_anonymous_readers_is_fetched(guarded: str) -> None:
    with pytest.raises(StrategyError, match="answered 404"):
        images.measure(f"{guarded}/open/sales", "registry")


def test_a_registry_that_wants_a_login_says_so(guarded: str) -> None:
    with pytest.raises(StrategyError, match=r"wants a login\. Measure it where Docker is logged in\."):
        images.measure(f"{guarded}/closed/sales", "registry")


# --- building -------------------------------------------------------------------------------------------------------


def test_a_plan_without_a_dockerfile_has_nothing_to_build() -> None:
    plan = Plan(strategy="fresh_venv", title="", fits=True, summary="")
    with pytest.raises(StrategyError, match="'fresh_venv' has no image to build") as refused:
        images.build(plan)
    assert refused.value.code == "KNB322"
