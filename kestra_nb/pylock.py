"""Locks as text: PEP 751's ``pylock.toml``, and pinned requirement lines.

What PEP 751 has no place for stands under ``[tool.kestra-nb]``. The way there and back is exact, and equal locks give
equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from packaging.version import Version

from kestra_nb import tables
from kestra_nb.errors import ResolveError
from kestra_nb.model.dependency import Lock, LockedFile, Pin
from kestra_nb.model.finding import Finding, Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.utils import NormalizedName

BARE_KEY = re.compile(r"[\w-]+", re.ASCII)
GIT = re.compile(r"(?P<type>git|hg|svn|bzr)\+(?P<url>[^#]+?)(?:@(?P<commit>[^@/#]*))?(?:#subdirectory=(?P<folder>.*))?")


def finished(lock: Lock) -> Lock:
    """Sort a lock and give it its hash: over Python, platform and the pin lines."""
    pins = tuple(sorted(lock.pins, key=lambda pin: pin.name))
    text = "\n".join([lock.python, lock.platform, *(pin.line for pin in pins), *_hashes(pins)])
    return replace(lock, pins=pins, sha256=hashlib.sha256(text.encode()).hexdigest())


def dump(lock: Lock) -> str:
    """Write a lock as ``pylock.toml`` (PEP 751, lock version 1.0).

    A lock of an environment has no files; its packages hold name and version only.
    """
    head = {
        "lock-version": "1.0",
        "created-by": "kestra-nb",
        "requires-python": f">={lock.python}",
    }
    blocks = ["\n".join(_pairs(head))]
    blocks.extend("[[packages]]\n" + "\n".join(_pairs(_package(pin))) for pin in lock.pins)
    tool = {
        "source": lock.source,
        "python": lock.python,
        "platform": lock.platform,
        "made-on": lock.made_on,
        "sha256": lock.sha256,
        "hashes": any(pin.hashes for pin in lock.pins),
        "requirements": list(lock.requirements),
        "findings": [_from_finding(item) for item in lock.findings],
    }
    blocks.append("[tool.kestra-nb]\n" + "\n".join(_pairs(tool)))
    return "\n\n".join(blocks) + "\n"


def load(text: str, path: str) -> Lock:
    """Read what ``dump`` wrote.

    Raises:
        ResolveError: It is no such file; KNB255 with its path.
    """
    try:
        data = tables.parse(text)
        tool = data["tool"]["kestra-nb"]
        lock = Lock(
            pins=tuple(_pin(row, hashes=tool["hashes"]) for row in data.get("packages", ())),
            source=tool["source"],
            python=tool["python"],
            platform=tool["platform"],
            made_on=tool["made-on"],
            requirements=tuple(tool["requirements"]),
            findings=tuple(_to_finding(row) for row in tool["findings"]),
        )
        if finished(lock).sha256 != tool["sha256"]:
            message = f"{path!r} was changed by hand: its pins do not match its hash."
            hint = "Make it anew with --upgrade, or undo the change."
            raise ResolveError(message, hint=hint, location=Location(path=path), code="KNB255")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path!r} is no lock that kestra-nb wrote ({_reason(error)})."
        hint = "Make it anew with --upgrade."
        raise ResolveError(message, hint=hint, location=Location(path=path), code="KNB255") from error
    return finished(lock)


def to_requirements(lock: Lock, *, hashes: bool = False) -> str:
    """Give pinned requirement lines, sorted, with ``--hash`` options when asked for and known."""
    lines = []
    for pin in lock.pins:
        options = [f" \\\n    --hash={value}" for value in pin.hashes] if hashes else []
        lines.append(pin.line + "".join(options))
    return "".join(f"{line}\n" for line in lines)


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def _hashes(pins: Iterable[Pin]) -> Iterator[str]:
    for pin in pins:
        yield from pin.hashes


# --- writing --------------------------------------------------------------------------------------------------------


def _package(pin: Pin) -> dict[str, object]:
    row: dict[str, object] = {"name": pin.name, "version": str(pin.version)}
    if pin.marker:
        row["marker"] = pin.marker
    if pin.url:
        row.update(_address(pin.url))
    wheels = [_file(item) for item in pin.files if item.name.endswith(".whl")]
    archives = [_file(item) for item in pin.files if not item.name.endswith(".whl")]
    if wheels:
        row["wheels"] = wheels
    if archives:
        row["sdist"] = archives[0]
    tool: dict[str, object] = {"via": list(pin.via)}
    if pin.has_wheel is not None:
        tool["has-wheel"] = pin.has_wheel
    row["tool"] = {"kestra-nb": tool}
    return row


def _address(url: str) -> dict[str, object]:
    match = GIT.fullmatch(url)
    if match is None:
        return {"archive": {"url": url, "hashes": {}}}
    vcs = {"type": match["type"], "url": match["url"], "commit-id": match["commit"] or ""}
    if match["folder"]:
        vcs["subdirectory"] = match["folder"]
    return {"vcs": vcs}


def _file(item: LockedFile) -> dict[str, object]:
    row: dict[str, object] = {"name": item.name, "url": item.url} if item.url else {"path": item.name}
    if item.size is not None:
        row["size"] = item.size
    row["hashes"] = {"sha256": item.sha256}
    return row


def _pairs(row: Mapping[str, object]) -> Iterator[str]:
    for key, value in row.items():
        if isinstance(value, list) and value:
            yield f"{key} = [\n" + "".join(f"    {_value(item)},\n" for item in value) + "]"
        else:
            yield f"{key} = {_value(value)}"


def _value(value: object) -> str:
    """Write a value of TOML; its basic strings are JSON's, but for U+007F."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, int):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else json.dumps(key)


def _from_finding(finding: Finding) -> dict[str, object]:
    return {"code": finding.code, "severity": finding.severity, "message": finding.message, "hint": finding.hint}


# --- reading --------------------------------------------------------------------------------------------------------


def _pin(row: Mapping[str, Any], *, hashes: bool) -> Pin:
    tool = row["tool"]["kestra-nb"]
    rows = [*row.get("wheels", ()), *([row["sdist"]] if "sdist" in row else [])]
    files = tuple(
        LockedFile(
            name=item.get("name", item.get("path")),
            url=item.get("url", ""),
            sha256=item["hashes"]["sha256"],
            size=item.get("size"),
        )
        for item in rows
    )
    return with_files(
        Pin(
            name=cast("NormalizedName", row["name"]),
            version=Version(row["version"]),
            marker=row.get("marker", ""),
            url=_url(row),
            via=tuple(tool["via"]),
            has_wheel=tool.get("has-wheel"),
        ),
        files,
        hashes=hashes,
    )


def with_files(pin: Pin, files: tuple[LockedFile, ...], *, hashes: bool) -> Pin:
    """Give a pin its files, and what follows from them: the first wheel, its size, all hashes."""
    if not files:
        return pin
    first = files[0]
    return replace(
        pin,
        files=files,
        wheel=first.name if first.name.endswith(".whl") else "",
        size=first.size,
        hashes=tuple(sorted(f"sha256:{item.sha256}" for item in files)) if hashes else (),
    )


def _url(row: Mapping[str, Any]) -> str:
    if "vcs" in row:
        vcs = row["vcs"]
        commit = f"@{vcs['commit-id']}" if vcs["commit-id"] else ""
        folder = f"#subdirectory={vcs['subdirectory']}" if "subdirectory" in vcs else ""
        return f"{vcs['type']}+{vcs['url']}{commit}{folder}"
    return str(row["archive"]["url"]) if "archive" in row else ""


def _to_finding(row: Mapping[str, Any]) -> Finding:
    return Finding(code=row["code"], severity=row["severity"], message=row["message"], hint=row["hint"])
