"""What pigar finds, one folder after the other. Runs inside pigar's environment.

Installed modules go by its own index of distributions, all others by the table it ships (every candidate counts, as
`--auto-select` takes them); the index is never asked. pigar imports packages to find out about modules, and forgets
them after each: in one process for many folders they are kept, since numpy can be loaded only once.

    python pigar_names.py SITE_PACKAGES < folders.json > names.json
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import sys

sys.path.append(sys.argv[1])
logging.disable(logging.CRITICAL)

from pigar import core
from pigar.db import database
from pigar.dist import installed_distributions_by_top_level_import_names as index_of

core._keep_sys_modules_clean = contextlib.nullcontext
core.installed_distributions = functools.cache(core.installed_distributions)


@functools.cache
def owners_of_modules() -> object:
    """pigar's own index, made once instead of once a folder."""
    return index_of(core.installed_distributions().values())


def same_owners(distributions: object) -> object:
    """Stand in for the making of that index."""
    del distributions
    return owners_of_modules()


core.installed_distributions_by_top_level_import_names = same_owners


def best_match(name: str, locations: object, owners: list[object], match: object | None) -> list[object]:
    """What the command line's `--auto-select` does with several owners: the one named like the module, else all."""
    del name, locations
    return [match] if match else owners


def names(folder: str) -> set[str]:
    """The distributions that pigar would write down for a folder."""
    analyzer = core.RequirementsAnalyzer(folder)
    analyzer.analyze_requirements(dists_filter=best_match)
    found = {entry.req.name for entry in analyzer._requirements.values()}
    for owners in analyzer._uncertain_requirements.values():
        found.update(entry.req.name for entry in owners.values())
    with database() as table:
        for module in analyzer._unknown_imports:
            owners = table.query_distributions_by_top_level_module(module) or []
            chosen = analyzer._maybe_filter_distributions_with_same_import_name(module, None, owners, best_match)
            found.update(owner.name for owner in chosen)
    return found


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
