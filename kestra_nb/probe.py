"""What one Python can import, read by plain standard-library code.

This file runs in two ways. As a module it serves the interpreter that kestra-nb itself runs in. As text it is sent to
any other Python from 3.8 on, a running kernel included, and prints the same data as JSON: nothing of kestra-nb, and
nothing outside the standard library, has to be there.

Sources: the database of installed distributions (PEP 376, PEP 627), editable installs (PEP 660, PEP 610).
"""

from __future__ import annotations

import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIXES = (".py", ".so", ".pyd")
NATIVE = (b".so,", b".pyd,", b".dylib,", b".so.")
NOT_MODULES = frozenset(("setup", "conftest", "test", "tests", "docs", "doc", "examples", "build", "dist", "bin"))


def normalise(name: str) -> str:
    """Give the name as PEP 503 writes it."""
    text = name.lower().replace("_", "-").replace(".", "-")
    while "--" in text:
        text = text.replace("--", "-")
    return text


def read_bytes(path: str) -> bytes:
    """Give the content of a file, nothing when it is missing or unreadable."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return b""


class Found:
    """A distribution as its metadata folder names it; the rest is read when asked for."""

    __slots__ = ("folder", "folders", "name", "path", "record", "version")

    def __init__(self, name: str, version: str, path: str, folder: str) -> None:
        self.name = name
        self.version = version
        self.path = path
        self.folder = folder
        self.record = b""
        self.folders: set[str] = set()


class Index:
    """All distributions on a path, and the modules they own.

    ``owners`` maps a dotted module to names of distributions; to none when the module lies among them but no
    distribution claims it. ``problems`` are triples of what is wrong, with what, and where.
    """

    def __init__(self, folders: Iterable[str]) -> None:
        self.found: dict[str, Found] = {}
        self.owners: dict[str, tuple[str, ...]] = {}
        self.problems: list[tuple[str, str, str]] = []
        self.tops: dict[str, list[str]] = {}
        self.parts: dict[str, tuple[str, ...]] = {}
        unclaimed: dict[str, str] = {}
        for folder in unique_folders(folders):
            unclaimed.update(self.list_folder(folder))
        for found in self.found.values():
            self.claim(found)
        self.settle()
        for name, path in unclaimed.items():
            if name not in self.tops and (path.endswith(SUFFIXES) or os.path.isfile(os.path.join(path, "__init__.py"))):
                self.owners[name] = ()
        for found in self.found.values():
            found.record = b""

    def list_folder(self, folder: str) -> dict[str, str]:
        """Note the distributions of a folder; give the modules that may lie in it, with their paths."""
        try:
            entries = os.listdir(folder)
        except OSError:
            return {}
        installed = os.path.basename(folder) in ("site-packages", "dist-packages")
        modules: dict[str, str] = {}
        for entry in sorted(entries):
            stem, dot, suffix = entry.rpartition(".")
            if not dot:
                if installed and entry.isidentifier() and entry != "__pycache__":
                    modules[entry] = os.path.join(folder, entry)
            elif suffix in ("dist-info", "egg-info"):
                self.note(stem, os.path.join(folder, entry), folder)
            elif suffix == "egg-link":
                self.link(os.path.join(folder, entry))
            elif installed and module_of(entry):
                modules[module_of(entry)] = os.path.join(folder, entry)
        return modules

    def note(self, stem: str, path: str, folder: str) -> None:
        """Take a distribution by the name of its metadata folder, the first of a name only."""
        name, _, rest = stem.partition("-")
        version = rest.partition("-py")[0] if path.endswith(".egg-info") else rest
        if not version:
            name, version = name_and_version(path)
        key = normalise(name)
        if not key or not version:
            self.problems.append(("without a version", key or stem, path))
            return
        if key in self.found:
            if self.found[key].folder == folder:
                self.problems.append(("installed twice", key, path))
            return
        self.found[key] = Found(key, version, path, folder)

    def link(self, path: str) -> None:
        """Follow the link file of a setuptools development install."""
        target = read_bytes(path).decode("utf-8", "replace").split("\n")[0].strip()
        if os.path.isdir(target):
            for entry in os.listdir(target):
                if entry.endswith(".egg-info"):
                    self.note(entry[: -len(".egg-info")], os.path.join(target, entry), target)

    def claim(self, found: Found) -> None:
        """Note the top-level modules of a distribution."""
        record = read_bytes(os.path.join(found.path, "RECORD"))
        if record and b"," not in record[:4096]:
            self.problems.append(("with a RECORD that cannot be read", found.name, found.path))
            record = b""
        found.record = record
        names = self.recorded(found)
        if not names or found.path.endswith(".egg-info"):
            listed = read_bytes(os.path.join(found.path, "top_level.txt")).decode("utf-8", "replace").split()
            names.update(name.replace("/", ".") for name in listed)
            if not record and not listed:
                self.bare(found, names)
        for name in names:
            if name.isidentifier():
                self.tops.setdefault(name, []).append(found.name)
            elif all(part.isidentifier() for part in name.split(".")):
                self.parts[name] = (found.name,)

    def recorded(self, found: Found) -> set[str]:
        """Give the modules that a RECORD shows, by itself or by the files of an editable install in it."""
        names: set[str] = set()
        for top in names_below(found.record):
            if top.endswith((".pth", "_finder.py")):
                names.update(editable_modules(os.path.join(found.folder, top)))
            name = module_of(top)
            if name:
                names.add(name)
                if top.endswith("/"):
                    found.folders.add(name)
        if not names and b"/direct_url.json," in found.record and direct_url(found)[1]:
            names.add(found.name.replace("-", "_"))  # a loader of its own, as meson-python's
        return names

    def bare(self, found: Found, names: set[str]) -> None:
        """Settle for a module of the distribution's own name where no list of files is left."""
        guess = found.name.replace("-", "_")
        if any(os.path.exists(os.path.join(found.folder, guess + end)) for end in ("", ".py")):
            names.add(guess)
            self.problems.append(("without a RECORD", found.name, found.path))

    def settle(self) -> None:
        """Decide whose each top-level module is, part by part where several distributions share it."""
        for top, names in self.tops.items():
            if len(names) == 1:
                found = self.found[names[0]]
                if not found.record or top not in found.folders or is_package(found.record, top):
                    self.owners[top] = (names[0],)
                    continue
            self.share(top, names, 5)
        self.owners.update(self.parts)

    def share(self, module: str, names: list[str], depth: int) -> None:
        """Divide a package among its distributions, down to where each part has one owner."""
        whole: list[str] = []
        parts: dict[str, list[str]] = {}
        for name in names:
            record = self.found[name].record
            inside, flat = children(record, module)
            if is_package(record, module) or not record or (flat and inside and len(names) == 1):
                whole.append(name)
            for child in inside:
                parts.setdefault(child, []).append(name)
        if len(whole) == 1 or (whole and any(len(owners) > 1 for owners in parts.values())):
            self.owners[module] = tuple(sorted(whole))
        for child, owners in parts.items():
            if len(whole) != 1 or owners != whole:  # else the owner of the package owns this part too
                self.part(module + "." + child, owners, depth)

    def part(self, module: str, names: list[str], depth: int) -> None:
        """Decide about one part of a shared package."""
        if len(names) == 1 and is_package(self.found[names[0]].record, module):
            self.owners[module] = (names[0],)
        elif depth > 0:
            self.share(module, names, depth - 1)


def unique_folders(folders: Iterable[str]) -> list[str]:
    """Give each folder once, by its real path, without the empty name of the working directory."""
    seen: dict[str, str] = {}
    for folder in folders:
        if folder and os.path.isdir(folder):
            seen.setdefault(os.path.realpath(folder), folder)
    return list(seen.values())


def module_of(entry: str) -> str:
    """Give the module a name in a folder stands for; nothing when it stands for none."""
    if entry.endswith("/"):
        name = entry[:-1]
    elif entry.endswith(SUFFIXES):
        name = entry.partition(".")[0]
    else:
        return ""
    return name if name.isidentifier() and name != "__pycache__" else ""


def names_below(record: bytes, folder: bytes = b"") -> set[str]:
    """Give the next part of every path of a RECORD that lies in a folder, itself a folder with a slash at the end.

    A RECORD is mostly grouped by folder, so a whole group is skipped when counting shows that it has no gap.
    """
    names: set[bytes] = set()
    line, size = b"\n" + folder, len(folder)
    start = 0 if record.startswith(folder) else record.find(line) + 1
    if start == 0 and not (record and record.startswith(folder)):
        return set()
    while True:
        comma = record.find(b",", start)
        slash = record.find(b"/", start + size, comma)
        name = record[start + size : comma if slash < 0 else slash + 1]
        names.add(name)
        if slash >= 0:
            start = last_of_group(record, folder + name, start)
        start = record.find(line, start) + 1
        if start == 0:
            return {name.decode("utf-8", "replace").strip('"') for name in names if name}


def last_of_group(record: bytes, prefix: bytes, start: int) -> int:
    """Give where the last of the lines that begin alike begins; the first, when others stand between."""
    last = record.rfind(b"\n" + prefix, start) + 1
    if last == 0:
        return start
    alike = record.count(b"\n" + prefix, start, last + len(prefix))
    return last if alike == record.count(b"\n", start, last) else start


def is_package(record: bytes, module: str) -> bool:
    """Tell whether a RECORD holds the code of this very module, not only parts below it."""
    path = module.replace(".", "/").encode()
    if b"\n" + path + b"/__init__.py," in record or record.startswith(path + b"/__init__.py,"):
        return True
    for begin in (path + b"/__init__.", path + b"."):
        place = 0 if record.startswith(begin) else record.find(b"\n" + begin) + 1
        end = record[place : record.find(b",", place)]
        if end.startswith(begin) and end.endswith((b".py", b".so", b".pyd", b".pyc")):
            return True
    return False


def children(record: bytes, module: str) -> tuple[list[str], bool]:
    """Give the names right below a module that can be modules, and whether all of them are plain files."""
    folder = module.replace(".", "/").encode() + b"/"
    first = 0 if record.startswith(folder) else record.find(b"\n" + folder) + 1
    last = max(record.rfind(b"\n" + folder), first)
    block = record[first : record.find(b"\n", last + 1)] if record.startswith(folder, first) else b""
    if not any(suffix in block for suffix in (b".py,", b".so,", b".pyd,")):
        return [], True
    entries = names_below(record, folder)
    names = {module_of(entry) for entry in entries} - {"", "__init__"}
    return sorted(names), not any(entry.endswith("/") for entry in entries)


def editable_modules(path: str) -> set[str]:
    """Give the modules that a ``.pth`` file or the finder of an editable install leads to."""
    text = read_bytes(path).decode("utf-8", "replace")
    if path.endswith("_finder.py"):
        mapping = re.search(r"^MAPPING\b[^=]*=\s*(\{.*?\})\s*$", text, re.MULTILINE)
        return set(re.findall(r"['\"]([^'\"]+)['\"]\s*:", mapping.group(1))) if mapping else set()
    names: set[str] = set()
    for line in text.splitlines():
        folder = line.strip()
        if os.path.isabs(folder) and os.path.isdir(folder):
            for entry in os.listdir(folder):
                if os.path.isfile(os.path.join(folder, entry, "__init__.py")):
                    names.add(module_of(entry + "/"))
                elif os.path.isfile(os.path.join(folder, entry)):
                    names.add(module_of(entry))
    return {name for name in names if name and name not in NOT_MODULES}


def metadata_of(path: str) -> bytes:
    """Give the headers of a distribution's core metadata, without its description."""
    if os.path.isfile(path):
        text = read_bytes(path)
    else:
        text = read_bytes(os.path.join(path, "METADATA")) or read_bytes(os.path.join(path, "PKG-INFO"))
    return text.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n"


def headers(metadata: bytes, name: str) -> list[str]:
    """Give the values of one header, folded lines joined."""
    wanted = name.lower() + ":"
    values: list[str] = []
    inside = False
    for line in metadata.decode("utf-8", "replace").split("\n"):
        if inside and line[:1] in (" ", "\t"):
            values[-1] += " " + line.strip()
            continue
        inside = line[: len(wanted)].lower() == wanted
        if inside:
            values.append(line[len(wanted) :].strip())
    return values


def name_and_version(path: str) -> tuple[str, str]:
    """Read name and version from the metadata itself, where the folder's name does not tell them."""
    metadata = metadata_of(path)
    return ((headers(metadata, "Name") or [""])[0], (headers(metadata, "Version") or [""])[0])


def details(found: Found, *, sized: bool = True) -> dict[str, object]:
    """Read what the folder's name does not tell; the size, which costs most, only when it is asked for."""
    metadata = metadata_of(found.path)
    record = read_bytes(os.path.join(found.path, "RECORD"))
    name = (headers(metadata, "Name") or [""])[0]
    problem = "" if normalise(name) == found.name else "Its METADATA is missing or names another distribution."
    sizes = re.findall(rb"(?m),(\d+)\r?$", record) if sized else []
    url, editable = direct_url(found)
    return {
        "name": found.name,
        "display_name": name or found.name,
        "version": found.version,
        "requires": headers(metadata, "Requires-Dist") or egg_requires(found.path),
        "editable": editable,
        "direct_url": url,
        "installer": read_bytes(os.path.join(found.path, "INSTALLER")).decode("utf-8", "replace").strip(),
        "size": sum(map(int, sizes)) if sizes else None,
        "pth": b".pth," in record and re.search(rb"(?m)^[^/,\n]+\.pth,", record) is not None,
        "native": any(ending in record for ending in NATIVE),
        "problem": problem,
    }


def direct_url(found: Found) -> tuple[str, bool]:
    """Give where a direct install came from, without credentials, and whether it is editable (PEP 610)."""
    text = read_bytes(os.path.join(found.path, "direct_url.json"))
    if not text:
        linked = found.path.endswith(".egg-info") and found.folder == os.path.dirname(found.path)
        installed = os.path.basename(found.folder) in ("site-packages", "dist-packages")
        return ("file://" + found.folder, True) if linked and not installed else ("", False)
    import json  # few distributions have this file

    try:
        data = json.loads(text.decode("utf-8", "replace"))
        url = re.sub(r"//[^/@]*@", "//", str(data.get("url", "")))
        editable = bool((data.get("dir_info") or {}).get("editable"))
        vcs = data.get("vcs_info") or {}
    except (ValueError, AttributeError):
        return ("", False)
    if vcs:
        url = "{}+{}@{}".format(vcs.get("vcs", "git"), url, vcs.get("commit_id", ""))
    if data.get("subdirectory"):
        url += "#subdirectory={}".format(data["subdirectory"])
    return (url, editable)


def egg_requires(path: str) -> list[str]:
    """Read the requirements of a legacy egg-info folder as Requires-Dist lines."""
    lines: list[str] = []
    condition = ""
    for line in read_bytes(os.path.join(path, "requires.txt")).decode("utf-8", "replace").splitlines():
        text = line.strip()
        if text.startswith("["):
            extra, _, marker = text.strip("[]").partition(":")
            parts = ["extra == '" + extra + "'"] * bool(extra) + ["(" + marker + ")"] * bool(marker)
            condition = "; " + " and ".join(parts)
        elif text and not text.startswith("#"):
            lines.append(text + condition)
    return lines


def platform_name() -> str:
    """Give what ``sysconfig.get_platform()`` gives, without its import where the answer is plain."""
    if str(sys.platform).startswith("linux"):
        return "linux-" + os.uname().machine
    import sysconfig  # slow to import

    return sysconfig.get_platform()


def python_version() -> str:
    """Give the version as ``3.11.7``."""
    return "{}.{}.{}".format(*sys.version_info[:3])


def read() -> dict[str, object]:
    """Give everything about this Python, in the shape of an ``Environment`` as JSON."""
    index = Index(sys.path)
    return {
        "python": python_version(),
        "platform": platform_name(),
        "implementation": sys.implementation.name,
        "executable": sys.executable or "",
        "distributions": {name: details(found) for name, found in sorted(index.found.items())},
        "owners": {module: list(names) for module, names in sorted(index.owners.items())},
        "stdlib": sorted(getattr(sys, "stdlib_module_names", ())),
        "problems": [list(problem) for problem in index.problems],
    }


if __name__ == "__main__":
    import json

    print(json.dumps(read()))  # noqa: T201  standard output is how the data leaves
