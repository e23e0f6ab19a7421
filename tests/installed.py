"""Scripts made of cells, and distributions that are really on disk, for tests of the resolver."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

from kestra_nb.model.dependency import Distribution, Environment
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Script, ScriptCell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from kestra_nb.model.dependency import Import

Run = tuple[str, str, Location]


def script(*cells: str, broken: Iterable[int] = (), runs: Sequence[Run] = ()) -> Script:
    """A script whose cells are these texts; ``broken`` are numbers of cells that are not Python."""
    made, line = [], 1
    for number, source in enumerate(cells, start=1):
        count = source.count("\n") + 1
        lines = tuple(Location(path="nb.ipynb", cell=number, line=row) for row in range(1, count + 1))
        cell = ScriptCell(location=lines[0], source=source, lines=lines, first_line=line, broken=number in set(broken))
        made.append(cell)
        line += count
    return Script(text="\n".join(cells) + "\n", lines=(None,) * line, cells=tuple(made), runs=tuple(runs))  # type: ignore[arg-type]


def modules(imports: Iterable[Import]) -> list[str]:
    """The modules of imports, in order."""
    return [item.module for item in imports]


def distribution(name: str, version: str = "1.0", **fields: object) -> Distribution:
    """An installed distribution as a value."""
    return Distribution(name=canonicalize_name(name), display_name=name, version=Version(version), **fields)  # type: ignore[arg-type]


def environment(
    *distributions: Distribution, owners: Mapping[str, Sequence[str]] | None = None, **fields: object
) -> Environment:
    """An environment as a value; a distribution owns the module of its own name unless ``owners`` says otherwise."""
    named = {item.name: item for item in distributions}
    owned: dict[str, tuple[str, ...]] = {item.name.replace("-", "_"): (item.name,) for item in distributions}
    for module, names in (owners or {}).items():
        owned[module] = tuple(canonicalize_name(name) for name in names)
    values: dict[str, object] = {"python": Version("3.12.3"), "platform": "linux-x86_64", **fields}
    return Environment(distributions=named, owners=owned, **values)  # type: ignore[arg-type]


def install(  # noqa: PLR0913  the parts of an installed distribution
    site: Path,
    name: str,
    version: str = "1.0",
    *,
    files: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
    meta: Mapping[str, str] | None = None,
    record: bool = True,
) -> Path:
    """Install a distribution by hand: its files, METADATA and RECORD; give its metadata folder."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    own = {f"{name.replace('-', '_')}/__init__.py": ""} if files is None else files
    headers = "".join(f"Requires-Dist: {line}\n" for line in requires)
    texts = {
        **own,
        f"{folder.name}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{headers}\n\nText.\n",
        **{f"{folder.name}/{key}": text for key, text in (meta or {}).items()},
    }
    for path, text in texts.items():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    if record:
        lines = [f"{path},sha256=x,{len(text.encode())}" for path, text in sorted(texts.items())]
        (folder / "RECORD").write_text("\n".join([*lines, f"{folder.name}/RECORD,,"]) + "\n", encoding="utf-8")
    return folder


def wheel(
    folder: Path, name: str, version: str = "1.0", *, requires: Sequence[str] = (), tag: str = "py3-none-any"
) -> Path:
    """Build a wheel by hand, as an index or a folder of wheels would offer it."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(
        f"Requires-Dist: {line}\n" for line in requires
    )
    contents = {
        f"{name.replace('-', '_')}.py": "",
        f"{stem}.dist-info/METADATA": metadata,
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        rows = []
        for file, text in contents.items():
            archive.writestr(file, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{file},sha256={digest},{len(text)}")
        archive.writestr(f"{stem}.dist-info/RECORD", "\n".join([*rows, f"{stem}.dist-info/RECORD,,"]) + "\n")
    return path
