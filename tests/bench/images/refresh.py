"""Predicts what Kestra's public images hold, and writes it into the catalogue.

    python tests/bench/images/refresh.py 2026-11-16

Reads `kestra_nb/data/images.toml`, resolves what each Dockerfile asks for as of that day with uv, for the image's
Python and platform, and puts the answer under each image. Everything else in the file stays as it is.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import uv

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CATALOGUE = Path(__file__).parents[3] / "kestra_nb" / "data" / "images.toml"
PLATFORMS = {"glibc": "x86_64-unknown-linux-gnu", "musl": "x86_64-unknown-linux-musl"}


def predict(image: dict[str, Any], date: str) -> dict[str, str]:
    """Resolve what an image asks for; version by normalised name."""
    command = [
        uv.find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--exclude-newer", date,
        "--python-version", image["python"], "--python-platform", PLATFORMS[image["libc"]], "-",
    ]  # fmt: skip
    asked = "\n".join(image["asked"])
    answer = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{image['name']}: {answer.stderr.strip()}")
    pins = (line.partition(" ;")[0].strip() for line in answer.stdout.splitlines() if "==" in line)
    return dict(pin.split("==") for pin in sorted(pins))


def refreshed(text: str, date: str) -> str:
    """The catalogue's text with new predictions; rows and comments stay."""
    rows = tomllib.loads(text)["image"]
    head, *blocks = re.split(r"(?m)^(?=\[\[image\]\])", text)
    written = [re.sub(r'(?m)^date = ".*"$', f'date = "{date}"', head)]
    for row, block in zip(rows, blocks, strict=True):
        kept = block.partition("\n[image.distributions]")[0].rstrip()
        pins = predict(row, date)
        print(f"{row['name']}: {len(pins)} distributions")
        table = "\n".join(f"{json.dumps(name) if '.' in name else name} = {json.dumps(pins[name])}" for name in pins)
        written.append(f"{kept}\n\n[image.distributions]\n{table}\n\n")
    return "".join(written).rstrip() + "\n"


if __name__ == "__main__":
    (date,) = sys.argv[1:] or [tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["date"]]
    CATALOGUE.write_text(refreshed(CATALOGUE.read_text(encoding="utf-8"), date), encoding="utf-8")
