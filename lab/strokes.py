"""Joins the stretches of a street into whole streets, as a walker would, and names them."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lab import names
from lab.blocks import Net
from lab.citymap import Name

STRAIGHT_COS = -0.86  # two stretches belong together when they bend by less than 30°


@dataclass
class Stretch:
    """An undirected stretch of road between two neighbouring nodes."""

    a: int
    b: int
    road_class: str
    name: Name | None
    one_way: bool = False


def stretches(net: Net) -> list[Stretch]:
    """Every stretch of the net; dead ends at ring roads are left open, as on the ground."""
    found = []
    for segment in net.segments:
        if segment.road_class is None:
            continue
        chain = [segment.first, *(node for _, node in segment.on_it), segment.last]
        chain = [node for i, node in enumerate(chain) if i == 0 or node != chain[i - 1]]
        if not segment.open_first:
            chain = chain[1:]
        if not segment.open_last:
            chain = chain[:-1]
        for a, b in pairwise(chain):
            found.append(Stretch(a, b, segment.road_class, segment.name))
    return found


def streets_of(parts: list[Stretch], x: list[float], y: list[float]) -> list[list[int]]:
    """Groups the unnamed stretches that run straight on into one another."""
    at: dict[tuple[int, str], list[int]] = defaultdict(list)
    for number, part in enumerate(parts):
        if part.name is None:
            at[part.a, part.road_class].append(number)
            at[part.b, part.road_class].append(number)
    root = list(range(len(parts)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for (node, _), meeting in at.items():
        away = []
        for number in meeting:
            other = parts[number].b if parts[number].a == node else parts[number].a
            dx, dy = x[other] - x[node], y[other] - y[node]
            size = float(np.hypot(dx, dy)) or 1.0
            away.append((dx / size, dy / size))
        pairs = [
            (away[i][0] * away[j][0] + away[i][1] * away[j][1], meeting[i], meeting[j])
            for i in range(len(meeting))
            for j in range(i)
        ]
        taken: set[int] = set()
        for straight, i, j in sorted(pairs):
            if straight < STRAIGHT_COS and i not in taken and j not in taken:
                taken.update((i, j))
                root[find(i)] = find(j)
    groups: dict[int, list[int]] = defaultdict(list)
    for number, part in enumerate(parts):
        if part.name is None:
            groups[find(number)].append(number)
    return list(groups.values())


def name_streets(parts: list[Stretch], net: Net, rng: np.random.Generator) -> None:
    """Gives every unnamed street a name of its own, and makes some short streets of the old town one-way."""
    groups = streets_of(parts, net.x, net.y)
    sizes = [sum(_length(parts[i], net) for i in group) for group in groups]
    medium, small = names.collector_names(rng, 34), names.street_names(rng)
    for place in np.argsort(sizes)[::-1]:
        group = groups[place]
        road_class = parts[group[0]].road_class
        title = next(small) if road_class == "street" else next(medium)
        middle = parts[group[len(group) // 2]]
        central = abs(net.x[middle.a]) < 4_300 and -2_300 < net.y[middle.a] < 3_700
        alone = (
            road_class == "street" and central and 250 < sizes[place] < 1_600 and float(rng.random()) < 0.3
        )
        for number in group:
            parts[number].name = title
        if alone:
            _one_way(parts, group, net, bool(rng.random() < 0.5))


def _length(part: Stretch, net: Net) -> float:
    return float(np.hypot(net.x[part.a] - net.x[part.b], net.y[part.a] - net.y[part.b]))


def _one_way(parts: list[Stretch], group: list[int], net: Net, forward: bool) -> None:
    """Points all stretches of a street the same way along its main direction."""
    angle = [
        np.arctan2(net.y[parts[i].b] - net.y[parts[i].a], net.x[parts[i].b] - net.x[parts[i].a])
        for i in group
    ]
    axis = 0.5 * np.angle(np.sum(np.exp(2j * np.array(angle))))
    for number in group:
        part = parts[number]
        along = (net.x[part.b] - net.x[part.a]) * np.cos(axis) + (net.y[part.b] - net.y[part.a]) * np.sin(
            axis
        )
        if (along > 0) != forward:
            part.a, part.b = part.b, part.a
        part.one_way = True


def name_halves(parts: list[Stretch], net: Net) -> None:
    """Turns the stem of an arterial into East/West or North/South Road on either side of the axes."""
    by_stem: dict[Name, list[Stretch]] = defaultdict(list)
    stems = {names.AXIS_NS, *names.arterial_stems(40)}
    for part in parts:
        if part.name in stems:
            by_stem[part.name].append(part)
    for stem, own in by_stem.items():
        xs, ys = [net.x[p.a] for p in own], [net.y[p.a] for p in own]
        if np.ptp(xs) > np.ptp(ys):
            sides = [("east" if x > 60 else "west") for x in xs]
        else:
            sides = [("north" if y > 120 else "south") for y in ys]
        for part, side in zip(own, sides, strict=True):
            half = names.HALVES[side] if len(set(sides)) > 1 else Name("路", "Road")
            part.name = Name(stem.zh + half.zh, f"{stem.en} {half.en}")
