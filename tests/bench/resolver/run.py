"""The resolver's benchmark: what notebooks need, by kestra-nb and by its peers, side by side in one run.

    python tests/bench/resolver/run.py [accuracy] [speed] [--misses FILE]

Environments and source distributions are fetched once and kept outside the tree.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.bench.resolver import accuracy, cases, speed


def main() -> None:
    """Print the report; write what went wrong in the parts that may be looked at, if asked."""
    parser = argparse.ArgumentParser(prog="resolver", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("what", nargs="*", choices=[[], "accuracy", "speed"], help="both when nothing is named")
    parser.add_argument("--misses", type=Path, metavar="FILE", help="list the mistakes in the parts looked at")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kestra-nb-bench-") as folder:
        if "speed" not in chosen.what or len(chosen.what) != 1:
            show_accuracy(Path(folder), chosen.misses)
        if "accuracy" not in chosen.what or len(chosen.what) != 1:
            show_speed(Path(folder))


def show_accuracy(folder: Path, misses: Path | None) -> None:
    """F1 and errors, the parts looked at and the part set aside apart."""
    answers = accuracy.ask_all(cases.lay_out(folder))
    for looked_at, title in ((True, "Looked at"), (False, "Set aside")):
        print(f"\n{title}\n" + "\n".join(accuracy.table(answers, looked_at=looked_at)))
    wrong = accuracy.wrong_pins(answers)
    print(f"\npins that are not the installed version: {len(wrong)}")
    if misses:
        misses.write_text("\n".join([*accuracy.misses(answers), *wrong, ""]), encoding="utf-8")


def show_speed(folder: Path) -> None:
    """CPU ratios and peak memory."""
    for table in (speed.many(speed.python_notebooks()), speed.index(), speed.one(folder)):
        print("\n" + "\n".join(table))


if __name__ == "__main__":
    main()
