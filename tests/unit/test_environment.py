"""What is installed: read from real folders, by this interpreter and by others."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from kestra_nb import environment, probe
from kestra_nb.environment import environment_from_plain, kernelspec_python, read_environment, with_closure
from kestra_nb.errors import ResolveError
from kestra_nb.model.plain import to_plain
from tests.installed import install


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment of its own, with three distributions."""
    root = tmp_path_factory.mktemp("other")
    venv.create(root, with_pip=False)
    site = next(root.glob("lib/python*/site-packages"))
    install(site, "alpha", "1.5", requires=["beta>=2", "gamma", "delta; extra == 'more'"], files={"alpha.py": "x" * 40})
    install(site, "beta", "1.0")
    install(site, "epsilon", "3.0", requires=["alpha"])
    return root / "bin" / "python"


def owners(site: Path) -> dict[str, tuple[str, ...]]:
    return probe.Index([str(site)]).owners


def test_modules_are_what_record_says(site: Path) -> None:
    install(site, "PyYAML", files={"yaml/__init__.py": "", "_yaml/__init__.py": "", "yaml/reader.py": ""})
    install(site, "six", files={"six.py": ""})
    install(
        site, "fast", files={"fast.cpython-311-x86_64-linux-gnu.so": "", "fast.libs/x.so": "", "../../bin/fast": ""}
    )
    assert owners(site) == {"yaml": ("pyyaml",), "_yaml": ("pyyaml",), "six": ("six",), "fast": ("fast",)}


def test_a_shared_package_is_divided_down_to_one_owner_each(site: Path) -> None:
    install(
        site, "google-cloud-storage", files={"google/cloud/storage/__init__.py": "", "google/cloud/storage/blob.py": ""}
    )
    install(site, "google-auth", files={"google/auth/__init__.py": "", "google/oauth2/__init__.py": ""})
    install(site, "protobuf", files={"google/protobuf/__init__.py": "", "google/_upb/_message.abi3.so": ""})
    assert owners(site) == {
        "google.cloud.storage": ("google-cloud-storage",),
        "google.auth": ("google-auth",),
        "google.oauth2": ("google-auth",),
        "google.protobuf": ("protobuf",),
        "google._upb": ("protobuf",),
    }


def test_a_namespace_of_one_distribution_is_not_all_its_own(site: Path) -> None:
    install(site, "azure-core", files={"azure/core/__init__.py": ""})
    assert owners(site) == {"azure.core": ("azure-core",)}


def test_a_package_with_code_keeps_the_parts_that_nobody_else_brings(site: Path) -> None:
    install(site, "base", files={"base/__init__.py": "", "base/core.py": "", "base/plugins/__init__.py": ""})
    install(site, "base-extra", files={"base/extra/__init__.py": ""})
    assert owners(site) == {"base": ("base",), "base.extra": ("base-extra",)}


def test_two_owners_of_one_module_are_both_named(site: Path) -> None:
    install(site, "opencv-python", files={"cv2/__init__.py": "", "cv2/data/__init__.py": ""})
    install(site, "opencv-python-headless", files={"cv2/__init__.py": "", "cv2/data/__init__.py": ""})
    assert owners(site)["cv2"] == ("opencv-python", "opencv-python-headless")


def test_a_module_of_no_distribution_has_no_owner(site: Path) -> None:
    install(site, "alpha")
    (site / "stray.py").write_text("")
    (site / "notes").mkdir()
    assert owners(site) == {"alpha": ("alpha",), "stray": ()}


def test_a_record_in_any_order_is_read_whole(site: Path) -> None:
    folder = install(site, "mixed", files={"a/__init__.py": "", "a/z.py": "", "b/__init__.py": "", "c.py": ""})
    lines = ["a/__init__.py,,", "b/__init__.py,,", "a/z.py,,", '"c,d/x.py",,', "c.py,,", "a/y.py,,"]
    (folder / "RECORD").write_text("\n".join(lines))
    assert owners(site) == {"a": ("mixed",), "b": ("mixed",), "c": ("mixed",)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{root}\n", {"tools", "single"}),
        ("import _virtualenv", set()),
    ],
)
def test_the_modules_of_a_pth_file(site: Path, tmp_path: Path, content: str, expected: set[str]) -> None:
    root = tmp_path / "src"
    (root / "tools").mkdir(parents=True)
    (root / "tools" / "__init__.py").write_text("")
    (root / "data").mkdir()
    (root / "single.py").write_text("")
    (root / "setup.py").write_text("")
    install(site, "tools", files={"__editable__.tools.pth": content.format(root=root)})
    assert set(owners(site)) == expected


def test_the_modules_of_an_editable_finder(site: Path) -> None:
    finder = "MAPPING: dict[str, str] = {'tools': '/src/tools', 'ns.more_tools': '/src/more'}\nNAMESPACES = {}\n"
    install(site, "tools", files={"__editable___tools_1_0_finder.py": finder, "__editable__.tools-1.0.pth": "import x"})
    assert owners(site) == {
        "tools": ("tools",),
        "ns.more_tools": ("tools",),
        "__editable___tools_1_0_finder": ("tools",),
    }


def test_an_editable_install_with_a_loader_of_its_own_has_the_module_of_its_name(site: Path) -> None:
    url = json.dumps({"url": "file:///src", "dir_info": {"editable": True}})
    install(site, "fast-tools", files={"fast-tools-editable.pth": "import x"}, meta={"direct_url.json": url})
    install(site, "only-metadata", files={})
    assert owners(site) == {"fast_tools": ("fast-tools",)}


def test_details_of_a_distribution(site: Path) -> None:
    url = {"url": "https://user:secret@example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    install(
        site,
        "Some.Thing",
        "2.0",
        files={"some.pth": "import x", "some/_c.so": "1234"},
        requires=["a>=1", "b; extra == 'x'"],
        meta={"direct_url.json": json.dumps({**url, "subdirectory": "py"}), "INSTALLER": "conda\n"},
    )
    index = probe.Index([str(site)])
    row = probe.details(index.found["some-thing"])
    size = row.pop("size")
    assert isinstance(size, int)
    assert size > 100
    assert row == {
        "name": "some-thing",
        "display_name": "Some.Thing",
        "version": "2.0",
        "requires": ["a>=1", "b; extra == 'x'"],
        "editable": False,
        "direct_url": "git+https://example.org/x.git@abc#subdirectory=py",
        "installer": "conda",
        "pth": True,
        "native": True,
        "problem": "",
    }


def test_an_old_development_install_is_found_by_its_link(site: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "old.egg-info").mkdir(parents=True)
    (source / "old.egg-info" / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 0.3\n")
    (source / "old.egg-info" / "top_level.txt").write_text("old\n")
    (source / "old.egg-info" / "requires.txt").write_text("a>1\n\n[extra:python_version<'3']\nb\n")
    (site / "old.egg-link").write_text(f"{source}\n.")
    index = probe.Index([str(site)])
    row = probe.details(index.found["old"])
    assert (index.owners["old"], row["editable"], row["version"]) == (("old",), True, "0.3")
    assert row["requires"] == ["a>1", "b; extra == 'extra' and (python_version<'3')"]


def test_what_is_broken_is_a_problem_and_the_rest_is_read(site: Path) -> None:
    install(site, "good")
    install(site, "torn")
    (site / "torn-1.0.dist-info" / "RECORD").write_bytes(b"\x00\xff\x00")
    install(site, "bare", record=False)
    install(site, "twice", "1.0")
    install(site, "twice", "2.0")
    (site / "nameless.dist-info").mkdir()
    index = probe.Index([str(site)])
    assert sorted((what, name) for what, name, _ in index.problems) == [
        ("installed twice", "twice"),
        ("with a RECORD that cannot be read", "torn"),
        ("without a RECORD", "bare"),
        ("without a RECORD", "torn"),
        ("without a version", "nameless"),
    ]
    assert {"good", "bare", "twice"} <= set(index.owners)


def test_metadata_that_is_missing_is_the_distributions_problem(site: Path) -> None:
    install(site, "good")
    (site / "good-1.0.dist-info" / "METADATA").unlink()
    assert probe.details(probe.Index([str(site)]).found["good"])["problem"]


def test_this_interpreter_is_read_lazily_and_knows_itself() -> None:
    found = read_environment()
    assert (str(found.python), found.origin) == (".".join(map(str, sys.version_info[:3])), "this interpreter")
    assert found.owners["yaml"] == ("pyyaml",)
    assert found.distributions[found.owners["yaml"][0]].display_name.lower() == "pyyaml"
    assert "kestra-nb" in found.distributions
    assert found.executable == sys.executable


def test_another_interpreter_is_read_by_the_same_code(other: Path) -> None:
    found = read_environment(other)
    assert set(found.distributions) == {"alpha", "beta", "epsilon"}
    assert found.owners == {"alpha": ("alpha",), "beta": ("beta",), "epsilon": ("epsilon",)}
    assert found.origin == str(other)


def test_an_environment_as_json_is_the_same_environment(other: Path) -> None:
    found = with_closure(read_environment(other))
    assert environment_from_plain(json.loads(json.dumps(to_plain(found)))) == found


def test_the_probe_needs_nothing_of_kestra_nb(other: Path, tmp_path: Path) -> None:
    text = environment.PROBE
    assert "import kestra_nb" not in text
    answer = subprocess.run([other, "-I", "-c", text], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert set(json.loads(answer.stdout)["distributions"]) == {"alpha", "beta", "epsilon"}


def test_the_probe_leaves_no_names_where_it_is_executed_apart() -> None:
    own: dict[str, object] = {"__name__": "probe"}
    exec(environment.PROBE, own)  # noqa: S102  as a kernel does
    assert callable(own["read"])


@pytest.mark.parametrize("text", ["", "#!/bin/sh\necho no json\n", "#!/bin/sh\nexit 3\n"])
def test_what_is_no_python_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    program = tmp_path / "python"
    program.write_text(text)
    program.chmod(0o755)
    with pytest.raises(ResolveError, match=r"^\S+ was given as the interpreter, but it does not answer") as caught:
        read_environment(program)
    assert caught.value.code == "KNB225"


def test_a_missing_interpreter_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResolveError, match="there is no such file"):
        read_environment(tmp_path / "python")


@pytest.mark.parametrize(
    "data", [{}, {"distributions": []}, {"distributions": {}, "owners": {}, "python": "x", "platform": ""}]
)
def test_another_shape_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ResolveError, match="not of the expected shape"):
        environment_from_plain(data)


def test_pipdeptree_gives_the_closure(other: Path) -> None:
    found = with_closure(read_environment(other))
    assert found.closure == {"alpha": ("beta",), "beta": (), "epsilon": ("alpha", "beta")}
    assert not found.findings


def test_pipdeptree_gives_the_conflicts(other: Path) -> None:
    assert with_closure(read_environment(other)).conflicts == (
        "alpha 1.5 needs beta>=2, but 1.0 is installed.",
        "alpha 1.5 needs gamma, but it is not installed.",
    )


def test_pipdeptree_gives_the_sizes(other: Path) -> None:
    sizes = {name: item.size for name, item in with_closure(read_environment(other)).distributions.items()}
    metadata = next(other.parent.parent.glob("lib/python*/site-packages/alpha-*"))
    files = sum(path.stat().st_size for path in metadata.iterdir())
    assert sizes[canonicalize_name("alpha")] == files + 40


def test_an_environment_of_another_machine_is_followed_by_its_own_metadata(other: Path) -> None:
    seen = to_plain(read_environment(other))
    assert isinstance(seen, dict)
    found = with_closure(environment_from_plain({**seen, "executable": "", "origin": "kernel"}))
    assert found.closure == {"alpha": ("beta",), "beta": (), "epsilon": ("alpha", "beta")}
    assert found.conflicts == (
        "alpha 1.5 needs beta>=2, but 1.0 is installed.",
        "alpha 1.5 needs gamma, but it is not installed.",
    )
    assert [item.code for item in found.findings] == ["KNB221"]


def test_another_environment_behind_the_same_path_is_noticed(other: Path) -> None:
    seen = to_plain(read_environment(other))
    assert isinstance(seen, dict)
    extra = {**seen["distributions"], "zeta": {"name": "zeta", "display_name": "zeta", "version": "1"}}
    found = with_closure(environment_from_plain({**seen, "distributions": extra}))
    assert [item.code for item in found.findings] == ["KNB221"]


def test_a_kernelspec_leads_to_its_interpreter(tmp_path: Path) -> None:
    def spec(name: str, word: str) -> None:
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps({"argv": [word, "-m", "ipykernel_launcher"]}))

    spec("own", "python")
    spec("full", sys.executable)
    spec("ir", "R")
    (tmp_path / "kernels" / "torn").mkdir()
    (tmp_path / "kernels" / "torn" / "kernel.json").write_text("{")
    found = {name: kernelspec_python(name, folders=[tmp_path]) for name in ("own", "full", "ir", "torn", "none")}
    assert found == {"own": Path(sys.executable), "full": Path(sys.executable), "ir": None, "torn": None, "none": None}
