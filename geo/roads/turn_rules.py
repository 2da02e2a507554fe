"""Turn restrictions of OpenStreetMap turned into bans on sequences of edges."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from geo.roads.turns import Ban, Ints

KEYS = ("restriction", "restriction:motorcar", "restriction:motor_vehicle", "restriction:conditional")
OURS = {"motorcar", "motor_vehicle", "vehicle"}


@dataclass(frozen=True)
class Restriction:
    """A turn restriction as read: ways by their OpenStreetMap id; `via_nodes` or `via_ways`, not both."""

    kind: str  # no_left_turn, only_straight_on, …
    from_ways: tuple[int, ...]
    to_ways: tuple[int, ...]
    via_nodes: tuple[int, ...] = ()
    via_ways: tuple[int, ...] = ()


def read(tags: Mapping[str, str], members: Iterable[tuple[str, str, int]]) -> Restriction | str:
    """A restriction from its tags and members (role, type n/w/r, id); or the word for why it binds no car."""
    kind = (
        tags.get("restriction:motorcar")
        or tags.get("restriction:motor_vehicle")
        or tags.get("restriction", "")
    )
    if not kind:
        return (
            "conditional"
            if any(key.startswith("restriction") and "conditional" in key for key in tags)
            else "other"
        )
    if OURS & {word.strip() for word in tags.get("except", "").split(";")}:
        return "excepted"
    if not kind.startswith(("no_", "only_")):
        return "other"
    roles: dict[str, list[int]] = defaultdict(list)
    for role, member, ident in members:
        roles[f"{role}/{member}"].append(ident)
    found = Restriction(
        kind, tuple(roles["from/w"]), tuple(roles["to/w"]), tuple(roles["via/n"]), tuple(roles["via/w"])
    )
    whole = found.from_ways and found.to_ways and (len(found.via_nodes) == 1) != bool(found.via_ways)
    return found if whole else "broken"


@dataclass
class Net:
    """What is needed to find restrictions among the edges: `node_of` numbers OpenStreetMap nodes, -1 is unknown."""

    start: Ints
    end: Ints
    twin: Ints
    edges_of: Mapping[int, list[int]]  # way id → directed edges
    node_of: Mapping[int, int]
    leaving: Mapping[int, list[int]] = field(default_factory=dict)


def bans(restrictions: Iterable[Restriction], net: Net, counts: Counter[str]) -> Iterator[Ban]:
    """The banned sequences; `counts` learns how many restrictions were applied and how many met no road of ours."""
    for restriction in restrictions:
        found = list(_via_ways(restriction, net) if restriction.via_ways else _via_node(restriction, net))
        counts["applied" if found else "unmatched"] += 1
        yield from found


def _via_node(rule: Restriction, net: Net) -> Iterator[Ban]:
    via = net.node_of.get(rule.via_nodes[0], -1)
    sources = [e for way in rule.from_ways for e in net.edges_of.get(way, ()) if net.end[e] == via]
    goals = [e for way in rule.to_ways for e in net.edges_of.get(way, ()) if net.start[e] == via]
    if not sources or not goals:
        return
    if rule.kind.startswith("only_"):
        for source in sources:
            for leaving in net.leaving.get(via, ()):
                if leaving not in goals:
                    yield source, leaving
        return
    for source in sources:
        for goal in goals:
            back = net.twin[source] == goal
            if back == rule.kind.endswith("u_turn") or set(rule.from_ways).isdisjoint(rule.to_ways):
                yield source, goal


def _via_ways(rule: Restriction, net: Net) -> Iterator[Ban]:
    inside = {e for way in rule.via_ways for e in net.edges_of.get(way, ())}
    goals = {e for way in rule.to_ways for e in net.edges_of.get(way, ())}
    for source in (e for way in rule.from_ways for e in net.edges_of.get(way, ())):
        middle = _through(source, inside, goals, net)
        if middle is None:
            continue
        for leaving in net.leaving.get(int(net.end[middle[-1]]), ()):
            if (leaving in goals) != rule.kind.startswith("only_"):
                yield source, *middle, leaving


def _through(source: int, inside: set[int], goals: set[int], net: Net) -> Ban | None:
    """The shortest run of via edges from the end of `source` to a node where the goal way begins."""
    doors = {int(net.start[e]) for e in goals}
    waiting: deque[Ban] = deque(
        (e,) for e in inside if net.start[e] == net.end[source] and net.twin[source] != e
    )
    seen: set[int] = set()
    while waiting:
        run = waiting.popleft()
        at = int(net.end[run[-1]])
        if at in doors:
            return run
        if at in seen:
            continue
        seen.add(at)
        waiting.extend((*run, e) for e in inside if net.start[e] == at and net.twin[run[-1]] != e)
    return None
