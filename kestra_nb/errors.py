"""Everything that stops the pipe.

KestraNbError
├── NotebookError        the notebook cannot be read            KNB1xx
├── ConfigError          a setting or an option is wrong        KNB0xx
├── ResolveError         requirements cannot be settled         KNB2xx
├── StrategyError        no such strategy, or it does not fit   KNB3xx
├── FlowError            the flow cannot be made or written     KNB4xx
└── KestraServerError    a Kestra server refused or is away     KNB5xx

What does not stop the pipe is a :class:`kestra_nb.model.Finding`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from types import TracebackType

    from kestra_nb.model.finding import Location


class KestraNbError(Exception):
    """An error a person can act on.

    Args:
        message: What was given (quoted), what was expected.
        hint: One thing to do next; may be empty.
        location: Where it happened, when there is a place.
        code: A stable code; the class's own when not given.
    """

    default_code: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "", location: Location | None = None, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location
        self.code = code or self.default_code

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location is not None else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{place}{self.message}{hint}"

    def _render_traceback_(
        self,
        etype: type[BaseException] | None = None,  # noqa: ARG002  IPython calls with these three
        value: BaseException | None = None,  # noqa: ARG002
        tb: TracebackType | None = None,  # noqa: ARG002
    ) -> list[str]:
        """Give IPython one line in place of a traceback (IPython's hook for custom renderings)."""
        line = f"{self.code} {self}"
        if "ipykernel" not in sys.modules:
            sys.stderr.write(line + "\n")
        return [line]


class ConfigError(KestraNbError):
    """A setting or an option is unknown, misplaced or has a wrong value."""

    default_code = "KNB001"


class NotebookError(KestraNbError):
    """The notebook is missing, is no notebook, or is in another language."""

    default_code = "KNB101"


class ResolveError(KestraNbError):
    """The requirements of the notebook cannot be settled."""

    default_code = "KNB201"


class StrategyError(KestraNbError):
    """A strategy is unknown or does not fit this notebook and this target."""

    default_code = "KNB301"


class FlowError(KestraNbError):
    """The flow cannot be built, or its files cannot be written."""

    default_code = "KNB401"


class KestraServerError(KestraNbError):
    """A Kestra server is away or refused what was sent."""

    default_code = "KNB501"
