"""What pipreqs finds, one folder after the other. Runs inside pipreqs' environment.

Names of installed distributions as with `--use-local`; what is not installed keeps the name of pipreqs' own mapping,
as if the index knew it. The index is never asked.

    python pipreqs_names.py SITE_PACKAGES < folders.json > names.json
"""

from __future__ import annotations

import functools
import json
import logging
import sys

sys.path.append(sys.argv[1])
logging.disable(logging.CRITICAL)

from pipreqs import pipreqs

pipreqs.scan_noteboooks = True
pipreqs.handle_scan_noteboooks()
pipreqs.get_locally_installed_packages = functools.cache(pipreqs.get_locally_installed_packages)


def names(folder: str) -> set[str]:
    """The distributions that pipreqs would write down for a folder."""
    candidates = pipreqs.get_pkg_names(pipreqs.get_all_imports(folder))
    local = pipreqs.get_import_local(candidates)
    known = {name.lower() for package in local for name in (*package["exports"], package["name"])}
    return {package["name"] for package in local} | {name for name in candidates if name.lower() not in known}


def main() -> None:
    """Answer for each folder of standard input."""
    answers: list[dict[str, object]] = []
    for folder in json.load(sys.stdin):
        try:
            answers.append({"names": sorted(names(folder))})
        except Exception as error:  # a peer that gives up is counted, not excused
            answers.append({"error": type(error).__name__})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
