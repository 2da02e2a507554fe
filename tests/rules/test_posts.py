"""Where the free had better wait: every move is what trying it finds, and none is asked for that does not pay."""

import itertools

import numpy as np
import pytest

from dispatch import posts
from dispatch.coverage import Grid, lattice

TOWN = Grid(lattice(121.0, 31.0, 121.08, 31.06, 1_000.0), 1_000.0)
SPEED = 8.0


def drives(grid, a, b):
    return grid.apart(grid.centres[a], grid.centres[b]) / SPEED


def every(grid):
    return np.arange(len(grid))


def test_the_idle_one_of_two_who_stand_together_is_asked_to_the_empty_side():
    line = Grid(np.column_stack([121.0 + 0.01 * np.arange(9), np.full(9, 31.0)]), 950.0)
    demand = np.ones(9)
    times = drives(line, np.array([1, 1]), every(line))
    (move,) = posts.moves(
        demand, times, np.zeros(2), [0, 1], [5], drives(line, [5], every(line)), drive_share=0.0, most=1
    )
    assert (move.surveyor, move.cell) == (0, 5)
    assert move.saved_s > 0 and move.drive_s == times[0, 5]


@pytest.mark.parametrize("seed", range(6))
def test_a_move_is_the_best_that_trying_every_move_finds(seed):
    rng = np.random.default_rng(seed)
    demand, free_in = rng.exponential(1, len(TOWN)), np.where(rng.random(7) < 0.3, 200.0, 0.0)
    people, places = rng.integers(0, len(TOWN), 7), rng.integers(0, len(TOWN), 9)
    times, reach = drives(TOWN, people, every(TOWN)), drives(TOWN, places, every(TOWN))
    movers = [int(i) for i in np.flatnonzero(free_in == 0)]
    found = posts.moves(demand, times, free_in, movers, places, reach, drive_share=0.1, most=1)
    before = posts.mean_wait_s(demand, posts.soonest(times, free_in))
    tried = {}
    for i in movers:
        for j, cell in enumerate(places):
            if times[i, cell] <= posts.MOST_DRIVE_S:
                moved = times.copy()
                moved[i] = reach[j]
                after = posts.mean_wait_s(demand, posts.soonest(moved, free_in))
                tried[i, int(cell)] = (before - after) * len(movers) - 0.1 * times[i, cell]
    best = max(tried.values())
    if best <= posts.LEAST_WORTH_S:
        assert not found
        return
    (move,) = found
    assert tried[move.surveyor, move.cell] == pytest.approx(best)
    assert move.before_s == pytest.approx(before)


def test_nobody_is_asked_when_the_drive_is_worth_more_than_what_it_saves():
    demand = np.ones(len(TOWN))
    times = drives(TOWN, np.array([0, 0]), every(TOWN))
    cells = list(range(len(TOWN)))
    reach = drives(TOWN, cells, every(TOWN))
    asked = [
        len(posts.moves(demand, times, np.zeros(2), [0, 1], cells, reach, drive_share=share, most=2))
        for share in (0.0, 1.0, 50.0)
    ]
    assert asked[0] == 2 and asked[2] == 0


def test_each_person_moves_once_and_each_move_shortens_the_wait():
    rng = np.random.default_rng(3)
    demand = rng.exponential(1, len(TOWN))
    people = rng.integers(0, len(TOWN), 12)
    times = drives(TOWN, people, every(TOWN))
    spots = posts.worth_looking(TOWN, demand, posts.soonest(times, np.zeros(12)), SPEED)
    found = posts.moves(
        demand,
        times,
        np.zeros(12),
        range(12),
        spots,
        drives(TOWN, spots, every(TOWN)),
        drive_share=0.0,
        most=12,
    )
    assert len({move.surveyor for move in found}) == len(found) > 1
    assert all(move.saved_s > 0 for move in found)
    for one, other in itertools.pairwise(found):
        assert other.before_s == pytest.approx(one.after_s)


def test_places_worth_looking_at_do_not_lie_together():
    demand = np.ones(len(TOWN))
    nobody = np.zeros((0, len(TOWN)))
    first, second = posts.worth_looking(TOWN, demand, nobody, SPEED, 2)
    assert TOWN.apart(TOWN.centres[[first]], TOWN.centres[[second]])[0, 0] > 2_000
    assert posts.worth_looking(TOWN, np.zeros(len(TOWN)), nobody, SPEED) == []
    assert posts.moves(demand, nobody, np.zeros(0), [], [first], nobody[:0], drive_share=0.0, most=1) == []
