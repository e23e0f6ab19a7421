"""Definitions put into an order in which they can run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What one definition reads.

    Attributes:
        at_once: When it runs: decorators, defaults, bases, what a class body uses.
        later: When it is called.
        called: Whether running it may call it or what it reads, as a decorator does.
    """

    at_once: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    called: bool = False


def running_order(wanted: Iterable[str], needs: Mapping[str, Needs]) -> tuple[str, ...]:
    """Order definitions so that each finds what it reads at once, and what that may call.

    Args:
        wanted: The definitions, in the order to keep where nothing else decides.
        needs: Of each; names that are not in it need no place.
    """
    order = _Order(needs)
    names = list(wanted)
    for name in names:
        order.whole(name, set())
    return (*order.placed, *(name for name in names if name not in order.placed))


@dataclass(slots=True)
class _Order:
    needs: Mapping[str, Needs]
    placed: dict[str, None] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def place(self, name: str) -> bool:
        """Place a definition after what it reads at once; False while that is still on its way."""
        if name in self.placed or name not in self.needs:
            return True
        if name in self.open:
            return False
        self.open.add(name)
        needs = self.needs[name]
        ready = True
        for other in needs.at_once:
            ready = self.whole(other, set()) and ready
        if needs.called:
            for other in needs.later:
                self.whole(other, set())
        self.open.discard(name)
        if ready:
            self.placed[name] = None
        return ready

    def whole(self, name: str, seen: set[str]) -> bool:
        """Place a definition and then, as far as possible now, all that calling it may read."""
        if name in seen or name not in self.needs:
            return True
        seen.add(name)
        placed = self.place(name)
        for other in (*self.needs[name].at_once, *self.needs[name].later):
            self.whole(other, seen)
        return placed
