"""Turn bans made exact: a junction is split into the histories that matter there, and nowhere else.

A ban is a sequence of two or more directed edges that may not be driven one after the other. The machine that watches
for such sequences (Aho and Corasick, 1975) is multiplied with the road graph: a *state* is a node together with the
longest beginning of a ban just driven. Where no ban begins a node keeps its one state, so a city of 50,000 junctions
with 400 bans grows by about a thousand states, and the shortest way in the grown graph is the shortest permitted way."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Ban = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class StateGraph:
    """The graph that is searched: arc i drives edge `arc_edge[i]` from state `tail[i]` to state `head[i]`.

    As `expand` makes it, states 0 … nodes-1 are the nodes without history; `in_order` numbers them anew.
    `after[e]` is the state in which edge e is left when nothing is known of what was driven before."""

    state_node: Ints
    tail: Ints
    head: Ints
    arc_edge: Ints
    after: Ints


def expand(nodes: int, start: Ints, end: Ints, bans: Iterable[Ban]) -> StateGraph:
    """Multiplies the graph of directed edges start → end with the watch over `bans`.

    Raises ValueError for a ban of fewer than two edges or of edges that do not follow one another."""
    whole = {_checked(ban, start, end) for ban in bans}
    prefixes = sorted({ban[:size] for ban in whole for size in range(1, len(ban))}, key=lambda p: (len(p), p))
    state_of = {prefix: nodes + number for number, prefix in enumerate(prefixes)}
    longest = max((len(ban) for ban in whole), default=0)
    after = end.astype(np.int32).copy()
    for prefix, state in state_of.items():
        if len(prefix) == 1:
            after[prefix[0]] = state
    leaving = _leaving({int(end[prefix[-1]]) for prefix in prefixes}, start)
    tails, heads, edges = [], [], []
    for prefix, state in state_of.items():
        for edge in leaving.get(int(end[prefix[-1]]), ()):
            driven = (*prefix, edge)
            tails_of = [driven[-size:] for size in range(min(longest, len(driven)), 0, -1)]
            if any(part in whole for part in tails_of):
                continue
            tails.append(state)
            edges.append(edge)
            heads.append(next((state_of[part] for part in tails_of if part in state_of), int(end[edge])))
    every = np.arange(len(start), dtype=np.int32)
    return StateGraph(
        state_node=np.concatenate(
            [np.arange(nodes, dtype=np.int32), np.array([end[p[-1]] for p in prefixes], dtype=np.int32)]
        ),
        tail=np.concatenate([start, np.array(tails, dtype=np.int32)]).astype(np.int32),
        head=np.concatenate([after, np.array(heads, dtype=np.int32)]).astype(np.int32),
        arc_edge=np.concatenate([every, np.array(edges, dtype=np.int32)]).astype(np.int32),
        after=after,
    )


def in_order(states: StateGraph, order: NDArray[np.uint32]) -> StateGraph:
    """The same graph with its states numbered in the order of contraction: what a sweep touches then lies together."""
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return StateGraph(
        state_node=states.state_node[order], tail=rank[states.tail], head=rank[states.head],
        arc_edge=states.arc_edge, after=rank[states.after],
    )  # fmt: skip


def _checked(ban: Sequence[int], start: Ints, end: Ints) -> Ban:
    if len(ban) < 2 or any(end[a] != start[b] for a, b in pairwise(ban)):
        raise ValueError("a turn ban names two or more edges that follow one another")
    return tuple(int(edge) for edge in ban)


def _leaving(wanted: set[int], start: Ints) -> dict[int, list[int]]:
    """The edges that leave the nodes asked for."""
    found: dict[int, list[int]] = defaultdict(list)
    if wanted:
        rows = np.flatnonzero(np.isin(start, np.fromiter(wanted, dtype=np.int64)))
        for edge in rows.tolist():
            found[int(start[edge])].append(edge)
    return found


def turning_back(bans: Iterable[Ban], start: Ints, end: Ints, twin: Ints) -> set[Ban]:
    """U-turns that would only serve to get round a ban: right at it, and at the next junction behind it.

    A dead end may always be turned in."""
    bans = list(bans)
    at = {int(end[ban[-2]]) for ban in bans}
    exits = np.bincount(start, minlength=int(max(start.max(initial=0), end.max(initial=0))) + 1)
    behind = [edge for edges in _leaving(at, start).values() for edge in edges]
    watched = {ban[-2] for ban in bans} | set(behind)
    return {(edge, int(twin[edge])) for edge in watched if twin[edge] >= 0 and exits[int(end[edge])] > 1}
