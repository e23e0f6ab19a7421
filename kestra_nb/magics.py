"""The magics: ``%%kestra_flow`` for a cell, ``%kestra`` for the whole notebook. Thin: they parse, call and show."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import (  # noqa: TID253  this module is loaded by IPython only
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
)

from kestra_nb import config, options
from kestra_nb.errors import ConfigError, FlowError, NotebookError
from kestra_nb.model.finding import Location
from kestra_nb.model.notebook import Notebook

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from kestra_nb.capture import Capture
    from kestra_nb.config import Settings
    from kestra_nb.model.dependency import Environment
    from kestra_nb.model.finding import Finding
    from kestra_nb.model.outcome import Bundle, Planning, Scan, Why, Written
    from kestra_nb.widget import Chooser

FLOW, KESTRA = "%%kestra_flow", "%kestra"
_NOT_IN_A_KERNEL = frozenset(["python"])
_FLOW_OPTIONS = tuple(name for name in config.OPTIONS if name not in _NOT_IN_A_KERNEL)


@magics_class
class KestraMagics(Magics):
    """What ``%load_ext kestra_nb`` brings."""

    def __init__(self, shell: Any) -> None:  # noqa: ANN401  IPython has no types
        super().__init__(shell)
        self.host = shell
        self.known: Environment | None = None
        show_results(shell)

    @no_var_expand
    @line_cell_magic
    def kestra_flow(self, line: str, cell: str | None = None) -> Chooser | Bundle | Written | None:
        """Make a Kestra flow of the cell: ``%%kestra_flow --id report --schedule '0 7 * * *'``.

        What the cell reads from earlier cells is completed: imports, functions, classes and plain values. The cell is
        not run unless ``--execute`` is given. ``%kestra_flow --help`` lists the options.
        """
        arguments = _parsed(flow_parser(), line)
        if arguments is None:
            return None
        if cell is None:
            message = "%kestra_flow makes a flow of a cell, and there is none on its line."
            raise ConfigError(message, hint="Write %%kestra_flow as the first line of the cell.")
        captured, notebook, settings = self._captured(cell, arguments)
        if arguments.execute:
            self.host.run_cell(cell).raise_error()
        planning = _planned(notebook, settings, self._here(), captured.findings)
        if arguments.save:
            return _saved(planning, settings)
        if not arguments.preview:
            from kestra_nb import pipeline

            return pipeline.preview(planning, settings)
        return _chooser(planning, settings, FLOW)

    def _captured(self, cell: str, arguments: argparse.Namespace) -> tuple[Capture, Notebook, Settings]:
        from kestra_nb import capture, kernel, pipeline

        live = kernel.LiveKernel(self.host, cell)
        place = Location(path=live.here, line=2)
        given = options.given(arguments)
        inputs = frozenset(str(item).partition("=")[0].strip() for item in _list(given.get("inputs")))
        captured = capture.complete(cell, place, live, inputs=inputs)
        notebook = _notebook_of(captured, self.host)
        if "id" not in given:
            given["id"] = _default_id(self.host)
        settings = pipeline.settings_for(notebook, given, face=FLOW)
        _refuse(captured, settings)
        return captured, notebook, settings

    @no_var_expand
    @line_magic
    def kestra(self, line: str) -> Scan | Planning | Chooser | Written | Why | Bundle | None:
        """Work on the whole notebook: ``%kestra scan``, ``plan``, ``export``, ``why NAME``.

        The notebook is the file as it was last saved. ``%kestra plan --help`` lists the options.
        """
        arguments = _parsed(kestra_parser(), line)
        if arguments is None:
            return None
        from kestra_nb import pipeline, session

        notebook = pipeline.read(session.notebook_path(self.host, arguments.notebook))
        found = session.behind(session.executed(self.host), notebook)
        settings = pipeline.settings_for(notebook, options.given(arguments), face=f"{KESTRA} {arguments.verb}")
        here = None if settings.python else self._here()
        scanned = pipeline.scan(notebook, settings, environment=here)
        scanned = dataclasses.replace(scanned, findings=(*found, *scanned.findings))
        result: Scan | Planning | Chooser | Written | Why | Bundle = _VERBS[arguments.verb](
            scanned, settings, arguments
        )
        return result

    def _here(self) -> Environment:
        """Describe this kernel's environment; what is costly is done once for as long as its versions stay."""
        from kestra_nb import environment

        read = environment.read_environment()
        if self.known is None or _versions(read) != _versions(self.known):
            self.known = dataclasses.replace(environment.with_closure(read), origin="this kernel")
        return self.known


def _versions(environment: Environment) -> dict[str, object]:
    return {name: item.version for name, item in environment.distributions.items()}


def _parsed(parser: options.Parser, line: str) -> argparse.Namespace | None:
    """Parse a magic's line as a shell would split it; None when the person asked for help."""
    try:
        words = shlex.split(line)
    except ValueError:
        message = f"A quote is not closed in {line!r}."
        raise ConfigError(message, hint="Close it, or put a text with quotes into the other kind of quotes.") from None
    if parser.prog == KESTRA and words and not words[0].startswith("-") and words[0] not in _SUMMARIES:
        message = f"{words[0]!r} is no verb of {KESTRA}; it knows {', '.join(_SUMMARIES)}."
        raise ConfigError(message, hint=config.near_miss(words[0], _SUMMARIES))
    try:
        return parser.parse_args(words)
    except SystemExit:
        return None


def flow_parser() -> options.Parser:
    """Give the parser of ``%%kestra_flow``."""
    parser = options.Parser(prog=FLOW, description="Make a Kestra flow of this cell.")
    parser.add_argument("--execute", action="store_true", help="run the cell as well")
    parser.add_argument("--save", action="store_true", help="write the flow and its files into the folder of --out")
    parser.add_argument(
        "--no-preview", dest="preview", action="store_false", help="show the flow alone, without the other ways"
    )
    options.add_options(parser, _FLOW_OPTIONS)
    return parser


def kestra_parser() -> options.Parser:
    """Give the parser of ``%kestra``."""
    parser = options.Parser(prog=KESTRA, description="Make a Kestra flow of the whole notebook.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, summary in _SUMMARIES.items():
        sub = verbs.add_parser(verb, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        if verb == "why":
            sub.add_argument("name", metavar="NAME", help="distribution or module")
        if verb == "plan":
            sub.add_argument(
                "--no-preview", dest="preview", action="store_false", help="show the ways alone, without the flow"
            )
        sub.add_argument("--notebook", default="", metavar="FILE", help="the notebook's file, where it is not known")
        options.add_options(sub)
    return parser


_SUMMARIES: Mapping[str, str] = {
    "scan": "what the notebook needs, nothing executed",
    "plan": "every way Kestra could supply the packages, best first",
    "export": "write the flow and its files",
    "why": "why a distribution or module is in, or was left out",
}


def _scan(scanned: Scan, settings: Settings, arguments: argparse.Namespace) -> Scan:  # noqa: ARG001
    return scanned


def _plan(scanned: Scan, settings: Settings, arguments: argparse.Namespace) -> Planning | Chooser:
    from kestra_nb import pipeline

    planning = pipeline.plan(scanned, settings)
    return _chooser(planning, settings, KESTRA) if arguments.preview else planning


def _export(scanned: Scan, settings: Settings, arguments: argparse.Namespace) -> Written:  # noqa: ARG001
    from kestra_nb import pipeline

    return _saved(pipeline.plan(scanned, settings), settings)


def _why(scanned: Scan, settings: Settings, arguments: argparse.Namespace) -> Why:
    from kestra_nb import pipeline

    return pipeline.why(pipeline.plan(scanned, settings), arguments.name)


_VERBS: Mapping[str, Callable[[Scan, Settings, argparse.Namespace], Any]] = {
    "scan": _scan,
    "plan": _plan,
    "export": _export,
    "why": _why,
}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _default_id(shell: Any) -> str:  # noqa: ANN401  IPython has no types
    """Name the flow after the notebook, or plainly when the kernel does not know its file."""
    from kestra_nb import rules, session

    try:
        return rules.slug(session.notebook_path(shell).stem, lower=True)
    except NotebookError:
        return "cell"


def _notebook_of(captured: Capture, shell: Any) -> Notebook:  # noqa: ANN401  IPython has no types
    from kestra_nb import session

    try:
        folder = session.notebook_path(shell).parent
    except NotebookError:
        folder = Path()
    folder = Path() if folder.resolve() == Path.cwd() else folder
    digest = hashlib.sha256("\0".join(cell.source for cell in captured.cells).encode()).hexdigest()
    return Notebook(path="", folder=str(folder), cells=captured.cells, sha256=digest)


def _refuse(captured: Capture, settings: Settings) -> None:
    """Stop before anything is shown or written when the script would lack a name."""
    errors = [item for item in captured.findings if item.severity == "error"]
    if not errors or settings.force:
        return
    first, *others = errors
    more = "".join(f" {item.message}" for item in others[:3])
    more += f" And {len(others) - 3} more." if len(others) > 3 else ""  # noqa: PLR2004  one line stays readable
    message = f"{first.message}{more}"
    raise FlowError(message, hint=first.hint, location=first.location, code=first.code)


def _planned(notebook: Notebook, settings: Settings, here: Environment, found: tuple[Finding, ...]) -> Planning:
    from kestra_nb import pipeline

    scanned = pipeline.scan(notebook, settings, environment=here)
    scanned = dataclasses.replace(scanned, findings=(*found, *scanned.findings))
    return pipeline.plan(scanned, settings)


def _saved(planning: Planning, settings: Settings) -> Written:
    from kestra_nb import pipeline

    return dataclasses.replace(pipeline.export(pipeline.preview(planning, settings), settings), root=settings.out)


def _chooser(planning: Planning, settings: Settings, magic: str) -> Chooser:
    from kestra_nb.widget import Chooser

    return Chooser(planning, settings, magic=magic)


def show_results(shell: Any) -> None:  # noqa: ANN401  IPython has no types
    """Teach IPython to show the results of the verbs as HTML in a notebook and as text in a terminal."""
    formatters = shell.display_formatter.formatters
    for name in ("Scan", "Planning", "Bundle", "Written", "Why"):
        formatters["text/html"].for_type_by_name("kestra_nb.model.outcome", name, _html)
        formatters["text/plain"].for_type_by_name("kestra_nb.model.outcome", name, _text)


def _html(value: object) -> str:
    from kestra_nb.display import html

    return str(getattr(html, type(value).__name__.lower())(value))


def _text(value: Any, printer: Any, cycle: bool) -> None:  # noqa: ANN401, ARG001, FBT001  IPython's signature
    from kestra_nb.display import text

    match type(value).__name__:
        case "Written":
            shown = text.written(value, value.root)
        case name:
            shown = getattr(text, name.lower())(value)
    printer.text(shown)
