"""The query objects of the library: each thread makes, uses and lets go of its own.

The library refuses an object in any thread but the one that made it, and cannot free it there either. So they hang on
the thread, not on the graph: a graph that is dropped leaves each thread at most one pair, until that thread asks again."""

import threading

import routingkit_cch as cch

from geo.roads.journey_ends import Ends, Pins, Weights


class Own(threading.local):
    """The query objects of one thread, for the pins and weights it last asked about."""

    def __init__(self) -> None:
        self._many: tuple[Pins, Weights, cch.CCHManyToOne] | None = None
        self._one: tuple[Pins, Weights, cch.CCHOneToMany] | None = None

    def to_pinned(self, pins: Pins, weights: Weights, goals: Ends) -> list[int | None]:
        """Milliseconds from each pinned state to the nearest of the goals."""
        if not pins.states or not goals:  # the library takes no empty list
            return [None] * len(pins.states)
        if self._many is None or self._many[1] is not weights:
            self._many = (pins, weights, cch.CCHManyToOne(weights.metric, pins.states))
        elif self._many[0] is not pins:
            self._many[2].repin_sources(pins.states)
            self._many = (pins, weights, self._many[2])
        return self._many[2].distances_to_multi(goals)

    def from_pinned(self, pins: Pins, weights: Weights, starts: Ends) -> list[int | None]:
        """Milliseconds from the nearest of the starts to each pinned state."""
        if not pins.states or not starts:
            return [None] * len(pins.states)
        if self._one is None or self._one[1] is not weights:
            self._one = (pins, weights, cch.CCHOneToMany(weights.metric, pins.states))
        elif self._one[0] is not pins:
            self._one[2].repin_targets(pins.states)
            self._one = (pins, weights, self._one[2])
        return self._one[2].distances_from_multi(starts)


OWN = Own()
