"""Paths as the contents manager names them, and where they lie on disk."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb.errors import KestraNbError

if TYPE_CHECKING:
    from jupyter_server.services.contents.manager import ContentsManager


class FolderError(KestraNbError):
    """A path leaves the server's root folder, or is hidden."""

    default_code = "KNB503"


@dataclass(frozen=True, slots=True)
class Folders:
    """The server's root folder.

    Attributes:
        root: On disk.
        hidden: Whether the contents manager shows hidden files.
    """

    root: Path
    hidden: bool

    @classmethod
    def of(cls, manager: ContentsManager) -> Folders:
        """Take the root from a contents manager.

        Raises:
            FolderError: It keeps its notebooks elsewhere than in files.
        """
        root = getattr(manager, "root_dir", "")
        if not root or not hasattr(manager, "_get_os_path"):
            message = "This Jupyter server does not keep its notebooks as files."
            raise FolderError(message, hint="Run kestra-nb on its command line where the files are.")
        return cls(Path(root), bool(manager.allow_hidden))

    def locate(self, path: str) -> Path:
        """Give the place on disk of a path such as ``reports/sales.ipynb``.

        Raises:
            FolderError: It is absolute, leaves the root, or is hidden.
        """
        parts = path.split("/")
        if path.startswith("/") or "\\" in path or "\0" in path or ".." in parts or Path(path).is_absolute():
            message = f"{path!r} is not below the server's root folder."
            raise FolderError(message)
        if not self.hidden and any(part.startswith(".") and part != "." for part in parts):
            message = f"{path!r} is hidden, and this server does not serve hidden files."
            raise FolderError(message)
        return self.root.joinpath(*parts)

    def below(self, folder: Path, out: str) -> Path:
        """Give the place of an output folder that is named relative to a notebook's folder.

        Raises:
            FolderError: As :meth:`locate`.
        """
        if Path(out).is_absolute():
            message = f"The flow folder {out!r} is absolute, expected one relative to the notebook."
            raise FolderError(message, hint="'.' is the notebook's own folder, '..' the one above.")
        joined = posixpath.normpath(posixpath.join(folder.relative_to(self.root).as_posix(), out.replace("\\", "/")))
        return self.locate("." if joined == "." else joined)

    def name(self, place: Path) -> str:
        """Give the contents manager's name of a place below the root."""
        relative = place.relative_to(self.root).as_posix()
        return "" if relative == "." else posixpath.normpath(relative)
