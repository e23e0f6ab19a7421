"""A flow and its files written to disk, all or nothing."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb.errors import FlowError

if TYPE_CHECKING:
    from kestra_nb.model.outcome import Bundle, Written

#: What a file is called beside its place until all are there; one process writes into one folder at a time.
_SUFFIX = f".{os.getpid()}.kestra-nb"


@dataclass(frozen=True, slots=True)
class _Item:
    """A file to be written, and what is there now (None for nothing)."""

    name: str
    path: Path
    data: bytes
    executable: bool
    before: bytes | None


def write_bundle(root: str | Path, bundle: Bundle, *, force: bool) -> Written:
    """Write a flow and its files, all of them or none.

    Every file is written beside its place under another name first; only when all are there are they renamed. A file
    that holds the same bytes already is left alone.

    Raises:
        FlowError: A person edited the flow file, a file is not one that kestra-nb wrote (``force`` overrides both), a
            path leads out of ``root``, or the disk refuses.
    """
    root = Path(root)
    files = [(bundle.path, bundle.yaml, False), *((file.path, file.text, file.executable) for file in bundle.files)]
    try:
        items = [_item(root, *file) for file in files]
        if not force:
            _check_owners(items, bundle)
        changed = [item for item in items if item.data != item.before or item.executable != _is_executable(item)]
        _replace(changed)
    except OSError as error:
        message = f"{_refused(error, root)!r} cannot be written: {error.strerror or error}."
        raise FlowError(message, hint="Nothing was changed. Choose another folder with --out.", code="KNB443") from None
    names = {item.name for item in changed}
    from kestra_nb.model.outcome import Written

    return Written(
        bundle=bundle,
        written=tuple(item.name for item in items if item.name in names),
        unchanged=tuple(item.name for item in items if item.name not in names),
        root=str(root),
    )


def _refused(error: OSError, root: Path) -> str:
    """Give the path that the disk refused, as the person knows it."""
    path = Path(os.fsdecode(error.filename2 or error.filename or root))
    if path.name.endswith(_SUFFIX):
        path = path.with_name(path.name.removesuffix(_SUFFIX)[1:])
    return str(path)


def _item(root: Path, name: str, text: str, executable: bool) -> _Item:  # noqa: FBT001  a value, not a switch
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts:
        message = f"{name!r} leads out of the export's folder."
        raise FlowError(message, code="KNB443")
    path = root / name
    if path.is_symlink():
        path = path.resolve()
    before = path.read_bytes() if path.exists() else None
    return _Item(name=name, path=path, data=text.encode("utf-8"), executable=executable, before=before)


def _is_executable(item: _Item) -> bool:
    return item.before is not None and bool(item.path.stat().st_mode & stat.S_IXUSR)


def _check_owners(items: list[_Item], bundle: Bundle) -> None:
    """Refuse to write over what a person made or changed."""
    from kestra_nb.emit import SHOWN_DIGITS, content_sha256, header_of

    ours = False
    for item in items:
        if item.before is None:
            continue
        if item.before == item.data:
            ours = ours or item.name == bundle.path
        elif item.name.startswith("_flows/") and item.name.endswith(".yaml"):
            text = item.before.decode("utf-8", "replace")
            header = header_of(text)
            if not header:
                raise _not_ours(item)
            if header.get("content", "") != content_sha256(text)[:SHOWN_DIGITS]:
                message = f"{str(item.path)!r} was edited after kestra-nb wrote it; it was kept."
                raise FlowError(message, hint="--force writes over it.", code="KNB441")
            ours = True
        elif not ours:
            raise _not_ours(item)


def _not_ours(item: _Item) -> FlowError:
    message = f"{str(item.path)!r} is there already, and kestra-nb did not write it; it was kept."
    return FlowError(message, hint="--force writes over it; --id gives the flow another name.", code="KNB442")


def _replace(items: list[_Item]) -> None:
    """Put all files in place; when one cannot be, put back what was there."""
    made: list[Path] = []
    done: list[_Item] = []
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_empty, made)
        staged = []
        for item in items:
            _make_folder(item.path.parent, made)
            temporary = item.path.with_name(f".{item.path.name}{_SUFFIX}")
            stack.callback(temporary.unlink, missing_ok=True)
            _write_beside(temporary, item)
            staged.append((temporary, item))
        try:
            for temporary, item in staged:
                temporary.replace(item.path)
                done.append(item)
        except OSError:
            for item in done:
                _put_back(item)
            raise


def _write_beside(temporary: Path, item: _Item) -> None:
    with temporary.open("wb") as file:
        file.write(item.data)
        file.flush()
        os.fsync(file.fileno())
    mode = stat.S_IMODE(item.path.stat().st_mode) if item.before is not None else temporary.stat().st_mode & 0o777
    execute = (mode & 0o444) >> 2
    temporary.chmod(mode | execute if item.executable else mode & ~0o111)


def _put_back(item: _Item) -> None:
    if item.before is None:
        item.path.unlink(missing_ok=True)
    else:
        item.path.write_bytes(item.before)


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        made.append(place)


def _remove_empty(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            folder.rmdir()
