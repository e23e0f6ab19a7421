"""What Kestra would refuse, or notice only when the flow runs, in a finished bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kestra_nb.model.finding import Finding
    from kestra_nb.model.outcome import Bundle


def check(bundle: Bundle) -> tuple[Finding, ...]:
    """Look at the YAML as a server would read it."""
    return ()
