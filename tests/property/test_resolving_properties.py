"""What holds for any text, any environment and any folder."""

from __future__ import annotations

import ast
import string
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kestra_nb import probe
from kestra_nb.imports import find_imports
from kestra_nb.lock import dump, from_environment, load
from kestra_nb.model.plan import Target
from kestra_nb.neighbours import follow
from kestra_nb.pins import normalise
from kestra_nb.resolve import resolve
from tests.installed import distribution, environment, script

NAMES = ("alpha", "beta", "gamma", "delta", "pandas", "numpy", "os", "json", "yaml", "google")
INSTALLED = environment(*(distribution(name, "1.2") for name in ("alpha", "beta", "pandas", "numpy")))
FORMS = (
    "import {0}",
    "import {0} as x",
    "from {0} import y",
    "from {0}.sub import y, z",
    "def f():\n    import {0}",
    "try:\n    import {0}\nexcept ImportError:\n    import {1}",
    "if sys.version_info >= (3, 9):\n    import {0}\nelse:\n    import {1}",
    "importlib.import_module('{0}')",
)
statements = st.builds(
    lambda form, one, two: form.format(one, two), st.sampled_from(FORMS), st.sampled_from(NAMES), st.sampled_from(NAMES)
)
PIECES = (
    "import ",
    "from ",
    "(",
    ")",
    "\n",
    "    ",
    "\\\n",
    "try:",
    "'",
    '"""',
    "#",
    ";",
    "%",
    "pd.read_excel(",
    "s3://",
)
texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from((*PIECES, *NAMES)), max_size=30).map("".join),
    statements,
)


@given(st.lists(st.tuples(texts, st.booleans()), max_size=6))
def test_finding_imports_never_raises_on_any_text(cells: list[tuple[str, bool]]) -> None:
    broken = [number for number, (_, is_broken) in enumerate(cells, start=1) if is_broken]
    found = find_imports(script(*(text for text, _ in cells), broken=broken))
    for item in found:
        assert item.module
        assert 1 <= (item.location.cell or 0) <= len(cells)


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True), st.data())
def test_removing_the_import_removes_the_requirement(names: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(names))
    cells = [f"import {name}" for name in names]
    left = [cell for cell in cells if cell != f"import {gone}"]

    def needed(parts: list[str]) -> set[str]:
        return {need.requirement.name for need in resolve(find_imports(script(*parts)), (), (), INSTALLED).needs}

    before, after = needed(cells), needed(left)
    alone = needed([f"import {gone}"])
    assert after == before - alone
    assert alone <= before


@given(st.lists(statements, max_size=8))
def test_every_import_is_either_a_need_or_left_out_with_a_reason(cells: list[str]) -> None:
    found = find_imports(script(*cells))
    result = resolve(found, (), (), INSTALLED)
    explained = {item.name for item in result.excluded} | {
        item.module for need in result.needs for item in need.imports
    }
    assert {item.module for item in found} <= explained
    assert all(item.reason for item in result.excluded)


@given(st.lists(statements, max_size=8))
def test_resolving_is_deterministic_and_sorted(cells: list[str]) -> None:
    first, second = (resolve(find_imports(script(*cells)), (), (), INSTALLED) for _ in range(2))
    assert first == second
    names = [need.requirement.name for need in first.needs]
    assert names == sorted(names)


@given(st.lists(statements, max_size=8))
def test_nothing_that_is_only_guessed_gets_into_a_lock(cells: list[str]) -> None:
    result = resolve(find_imports(script(*cells)), (), (), INSTALLED)
    lock = from_environment(result, INSTALLED, Target())
    guessed = {need.requirement.name for need in result.unresolved}
    assert not guessed & {pin.name for pin in lock.pins}
    assert load(dump(lock), "pylock.toml") == lock


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.lists(st.sampled_from("abcd"), max_size=3)), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_local_modules_that_import_each_other_in_any_way_end(files: list[tuple[str, list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for module, needs in files:
            (folder / f"{module}.py").write_text("".join(f"import {need}\n" for need in needs))
        text = script("import a")
        found = follow(str(folder / "nb.ipynb"), text, find_imports(text))
    paths = [item.path for item in found.local_files]
    assert len(paths) == len(set(paths))
    assert set(paths) <= {f"{module}.py" for module, _ in files}


paths = st.builds(
    "/".join,
    st.lists(
        st.sampled_from(("a", "b", "pkg", "__init__.py", "m.py", "x.so", "d.txt", "../bin")), min_size=1, max_size=4
    ),
)


@given(st.lists(paths, max_size=30))
def test_the_quick_reader_of_a_record_finds_what_a_slow_one_finds(lines: list[str]) -> None:
    record = "\n".join(f"{path},sha256=x,1" for path in lines).encode()
    slow = {path.partition("/")[0] + ("/" if "/" in path else "") for path in lines}
    assert probe.names_below(record) == slow


@given(
    st.lists(st.sampled_from(("p/a/__init__.py", "p/b.py", "p/__init__.py", "q.py", "p/c/d.py", "q/e.py")), max_size=8)
)
def test_what_lies_below_a_folder_of_a_record(lines: list[str]) -> None:
    record = "\n".join(f"{path},," for path in lines).encode()
    below = [path.removeprefix("p/") for path in lines if path.startswith("p/")]
    assert probe.names_below(record, b"p/") == {part.partition("/")[0] + ("/" if "/" in part else "") for part in below}


@given(st.text(alphabet=string.ascii_letters + string.digits + "-_.", min_size=1, max_size=30))
def test_names_are_normalised_as_packaging_does(name: str) -> None:
    from packaging.utils import canonicalize_name

    assert normalise(name) == canonicalize_name(name) == probe.normalise(name)


@given(statements)
def test_the_statements_above_are_python(text: str) -> None:
    ast.parse(text)
