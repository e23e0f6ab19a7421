"""The command line: results on stdout, findings and progress on stderr.

Exit codes: 0 fine, 1 findings of severity error, 2 the command cannot be carried out as given, 3 a server said no.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kestra_nb import config, files, options, pipeline
from kestra_nb.display import plain, text
from kestra_nb.errors import ConfigError, KestraNbError, KestraServerError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from kestra_nb.config import Settings
    from kestra_nb.model.finding import Finding
    from kestra_nb.model.notebook import Notebook
    from kestra_nb.model.outcome import Planning

FINE, FINDINGS, WRONG_USE, SERVER = 0, 1, 2, 3
_SCAN_OPTIONS = [name for name, option in config.OPTIONS.items() if option.group == "packages"]
_DESCRIPTION = "From a notebook that works to a Kestra flow that runs every morning."


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command and give its exit code; never a traceback for a person's mistake."""
    try:
        parsed = _parser().parse_args(arguments)
        return int(parsed.run(parsed))
    except KestraServerError as error:
        return _fail(error, SERVER)
    except KestraNbError as error:
        return _fail(error, WRONG_USE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was half-written\n")
        return 130


def _fail(error: KestraNbError, code: int) -> int:
    sys.stderr.write(f"{error.code} {error}\n")
    return code


def _parser() -> options.Parser:
    parser = options.Parser(prog="kestra-nb", description=_DESCRIPTION, epilog=__doc__ and __doc__.split("\n\n")[1])
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _verb(
        verbs,
        "scan",
        _scan,
        "what the notebook needs, nothing executed",
        names=_SCAN_OPTIONS,
        formats=("requirements",),
    )
    _verb(verbs, "plan", _plan, "every way Kestra could supply the packages, best first")
    export = _verb(verbs, "export", _export, "write the flow and its files")
    export.add_argument("--check", action="store_true", help="only say whether the exported flow is up to date")
    export.add_argument("--stdout", action="store_true", help="print the flow and write nothing")
    _verb(verbs, "check", _check, "what Kestra would refuse, or only notice at run time")
    why = _verb(verbs, "why", _why, "why a distribution or module is in, or was left out", many=False)
    why.add_argument("name", metavar="NAME", help="distribution or module")
    build = _verb(verbs, "build", _build, "build the image of the strategy custom_image with Docker", many=False)
    build.add_argument("--push", action="store_true", help="push it to the registry of --registry")
    _images(verbs)
    return parser


def _verb(  # noqa: PLR0913  one argument for each thing verbs differ in
    verbs: argparse._SubParsersAction[options.Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
    *,
    names: Iterable[str] = config.OPTIONS,
    formats: tuple[str, ...] = (),
    many: bool = True,
) -> options.Parser:
    parser = verbs.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
    parser.add_argument(
        "path", nargs="+" if many else None, metavar="NOTEBOOK", help=".ipynb, percent script or folder of them"
    )
    parser.add_argument(
        "--format", choices=("text", "json", "yaml", *formats), default="text", help="form of the result on stdout"
    )
    options.add_options(parser, names)
    parser.set_defaults(run=run)
    return parser


def _images(verbs: argparse._SubParsersAction[options.Parser]) -> None:
    summary = "look into an image and remember what it holds"
    parser = verbs.add_parser("images", help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
    parser.add_argument("action", choices=("measure", "list"), help="measure one image, or list the catalogue")
    parser.add_argument("image", nargs="?", metavar="IMAGE", help="reference, such as ghcr.io/kestra-io/pydata:latest")
    parser.add_argument("--format", choices=("text", "json", "yaml"), default="text", help="form of the result")
    parser.set_defaults(run=_run_images)


# --- verbs ----------------------------------------------------------------------------------------------------------


def _scan(arguments: argparse.Namespace) -> int:
    def one(notebook: Notebook, settings: Settings) -> tuple[object, str, Iterable[Finding]]:
        scanned = pipeline.scan(notebook, settings)
        if arguments.format == "requirements":
            return None, text.requirements(scanned.resolution.needs), scanned.findings
        return plain.scan(scanned), text.scan(scanned), scanned.findings

    return _each(arguments, one)


def _plan(arguments: argparse.Namespace) -> int:
    def one(notebook: Notebook, settings: Settings) -> tuple[object, str, Iterable[Finding]]:
        planning = _planning(notebook, settings)
        return plain.planning(planning), text.planning(planning), planning.findings

    return _each(arguments, one)


def _export(arguments: argparse.Namespace) -> int:
    def compare(notebook: Notebook, settings: Settings) -> tuple[object, str, Iterable[Finding]]:
        findings = pipeline.check_export(notebook, settings)
        stale = _errors(findings)
        verdict = f"{notebook.path}: {'out of date' if stale else 'up to date'}"
        return {"notebook": notebook.path, "up_to_date": not stale}, verdict, findings

    def show(notebook: Notebook, settings: Settings) -> tuple[object, str, Iterable[Finding]]:
        bundle = pipeline.preview(_planning(notebook, settings), settings)
        return plain.bundle(bundle), bundle.yaml.rstrip("\n"), bundle.findings

    def write(notebook: Notebook, settings: Settings) -> tuple[object, str, Iterable[Finding]]:
        planning = _planning(notebook, settings)
        refused = {"notebook": notebook.path, "written": []}, f"{notebook.path}: nothing was written"
        if not settings.force and _errors(planning.findings):
            return *refused, planning.findings
        bundle = pipeline.preview(planning, settings)
        if not settings.force and _errors(bundle.findings):
            return *refused, bundle.findings
        done = pipeline.export(bundle, settings)
        return plain.written(done), text.written(done, settings.out), bundle.findings

    return _each(arguments, compare if arguments.check else show if arguments.stdout else write)


def _check(arguments: argparse.Namespace) -> int:
    def one(notebook: Notebook, settings: Settings) -> tuple[object, str, Iterable[Finding]]:
        bundle = pipeline.preview(_planning(notebook, settings), settings)
        count = len(bundle.findings)
        verdict = f"{notebook.path}: {count or 'no'} finding{'' if count == 1 else 's'}"
        return {"notebook": notebook.path, "findings": plain.findings(bundle.findings)}, verdict, bundle.findings

    return _each(arguments, one)


def _why(arguments: argparse.Namespace) -> int:
    def one(notebook: Notebook, settings: Settings) -> tuple[object, str, Iterable[Finding]]:
        answer = pipeline.why(_planning(notebook, settings), arguments.name)
        return plain.why(answer), text.why(answer), ()

    arguments.path = [arguments.path]
    return _each(arguments, one)


def _build(arguments: argparse.Namespace) -> int:
    def one(notebook: Notebook, settings: Settings) -> tuple[object, str, Iterable[Finding]]:
        from kestra_nb.model.plain import to_plain

        planning = _planning(notebook, settings)
        image = pipeline.build_image(planning, push=arguments.push)
        return to_plain(image), text.image(image), planning.findings

    arguments.path = [arguments.path]
    return _each(arguments, one)


def _run_images(arguments: argparse.Namespace) -> int:
    from kestra_nb import images
    from kestra_nb.model.plain import to_plain

    if arguments.action == "list":
        found = images.catalogue()
        _show(arguments.format, [to_plain(item) for item in found], "\n".join(text.image(item) for item in found))
        return FINE
    if not arguments.image:
        message = "'images measure' needs an image."
        raise ConfigError(message, hint="For example: kestra-nb images measure ghcr.io/kestra-io/pydata:latest")
    image = images.measure(arguments.image)
    _show(arguments.format, to_plain(image), text.image(image))
    return FINE


# --- around every verb ----------------------------------------------------------------------------------------------


def _planning(notebook: Notebook, settings: Settings) -> Planning:
    return pipeline.plan(pipeline.scan(notebook, settings), settings)


def _each(
    arguments: argparse.Namespace, one: Callable[[Notebook, Settings], tuple[object, str, Iterable[Finding]]]
) -> int:
    """Carry out a verb for every notebook; one that fails does not stop the others of a folder."""
    paths = _paths(arguments.path)
    results: list[object] = []
    texts: list[str] = []
    worst = FINE
    for path in _progress(paths):
        try:
            notebook = pipeline.read(path)
            settings = pipeline.settings_for(notebook, options.given(arguments), face="the command line")
            data, shown, findings = one(notebook, settings)
        except KestraNbError as error:
            if len(paths) == 1:
                raise
            worst = max(worst, _fail(error, WRONG_USE))
            continue
        results.append(data)
        texts.append(shown)
        worst = max(worst, _say(findings))
    _show(arguments.format, results[0] if len(paths) == 1 else results, "\n\n".join(texts))
    return worst


def _paths(given: Sequence[str]) -> list[Path]:
    paths: list[Path] = []
    for name in given:
        paths += files.find_notebooks(Path(name)) if Path(name).is_dir() else [Path(name)]
    if not paths:
        message = f"There is no notebook in {' '.join(given)}."
        raise ConfigError(message, hint="Give a .ipynb file, a percent script or a folder that holds some.")
    return paths


def _progress(paths: list[Path]) -> Iterable[Path]:
    if len(paths) == 1:
        return paths
    from tqdm import tqdm

    return tqdm(paths, unit="notebook", file=sys.stderr, disable=not sys.stderr.isatty())


def _say(findings: Iterable[Finding]) -> int:
    found = list(findings)
    if found:
        sys.stderr.write(text.findings(found) + "\n")
    return FINDINGS if _errors(found) else FINE


def _errors(findings: Iterable[Finding]) -> bool:
    return any(item.severity == "error" for item in findings)


def _show(form: str, data: object, shown: str) -> None:
    if form == "json":
        shown = json.dumps(data, indent=2, ensure_ascii=False)
    elif form == "yaml":
        import yaml

        shown = yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip("\n")
    sys.stdout.write(shown + "\n")
