"""The shape of ``data/uses.json``: rules about needs that no import shows."""

from __future__ import annotations

from typing import TypedDict

# ``with`` is a word of the language, hence the functional form.
Needs = TypedDict(
    "Needs",
    {"module": str, "also": list[str], "alternatives": list[str], "with": list[str], "unless": list[str]},
    total=False,
)
Needs.__doc__ = """What a row of the data needs and when it counts.

``module`` is needed with ``also``, or one of ``alternatives`` in its place; when one of ``with`` is imported and none
of ``unless``."""


class Call(Needs, total=False):
    """A call (or an attribute) that shows a need, by its last name.

    Keys:
        name: Names of functions, methods or attributes.
        on: Modules on which the call must be made, when only these count (``xarray.tutorial``).
        unless_used: Words in the notebook's code that make the row void.
        apart: Attributes before the name that make the row void (``df.hvplot.hist``).
        keyword, values: The keyword argument whose text decides; without a match ``module`` stands.
        only_if, given: The keyword argument that must be there, with any value or one of these texts.
        positional: True when there must be an argument without a name.
        containing: Parts one of which some argument must hold.
        suffixes: Ending of the first text argument → module; without a match ``module`` stands.
        argument: Any text argument, or text assigned to the attribute → module.
        attribute: True when the name need not be called; ``assigned``: when it is an attribute that is assigned to.
    """

    name: list[str]
    on: list[str]
    unless_used: list[str]
    apart: list[str]
    keyword: str
    values: dict[str, str]
    only_if: str
    given: list[str]
    positional: bool
    containing: list[str]
    suffixes: dict[str, str]
    argument: dict[str, str]
    attribute: bool
    assigned: bool


class Address(Needs, total=False):
    """The beginning of a text that names a driver; ``call``: names one of which the cell must call."""

    begins: list[str]
    call: list[str]


class Rules(TypedDict):
    """The whole file.

    Keys:
        imports: Module imported → what else must be there: ``name[extra]`` for an extra of the distribution, ``a|b``
            for one of several, best first.
        extensions: Extension of ``%load_ext`` → module; empty when it comes with IPython; itself when not listed.
        matplotlib: Back end of ``%matplotlib`` → module.
    """

    made: str
    calls: list[Call]
    addresses: list[Address]
    imports: dict[str, list[str]]
    extensions: dict[str, str]
    matplotlib: dict[str, str]
