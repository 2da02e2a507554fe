"""Coverage: hexagons over where reports come from, who is first where, and the one move that helps most."""

import numpy as np
import pytest

from dispatch import coverage
from dispatch.coverage import Grid, best_move, cover

random = np.random.default_rng(3)
TOWN = np.column_stack([random.normal(114.0, 0.03, 5000), random.normal(32.4, 0.02, 5000)])


@pytest.fixture(scope="module")
def grid():
    return coverage.grid_over(TOWN)


def test_neighbouring_centres_lie_a_cell_apart_on_the_ground(grid):
    away = grid.apart(grid.centres, grid.centres)
    np.fill_diagonal(away, np.inf)
    assert away.min(axis=1) == pytest.approx(grid.cell_m, rel=0.01)
    assert 100 < len(grid) <= coverage.MOST_CELLS


def test_a_country_gets_coarser_hexagons_and_never_too_many():
    wide = np.column_stack([random.uniform(100, 120, 3000), random.uniform(25, 40, 3000)])
    grid = coverage.grid_over(wide)
    assert len(grid) <= coverage.MOST_CELLS and grid.cell_m >= 16_000


def test_one_report_far_away_does_not_stretch_the_town(grid):
    stray = coverage.grid_over(np.vstack([TOWN, [[120.0, 40.0]]]))
    assert stray.cell_m == grid.cell_m and stray.centres[:, 0].max() < 115


def test_no_history_is_an_empty_map():
    empty = coverage.grid_over(np.zeros((0, 2)))
    assert len(empty) == 0 and len(coverage.demand(empty, np.zeros((0, 2)), np.zeros(0, bool), 1)) == 0


def test_demand_adds_up_to_the_mean_of_such_hours(grid):
    such = np.arange(5000) < 600
    found = coverage.demand(grid, TOWN, such, hours=120)
    assert found.sum() == pytest.approx(5.0) and found.min() >= 0
    centre = grid.cell_of(np.array([[114.0, 32.4]]))[0]
    assert found[centre] > 3 * np.median(found)


def test_an_hour_without_reports_expects_none(grid):
    assert coverage.demand(grid, TOWN, np.zeros(5000, bool), hours=120).sum() == 0


def test_the_first_and_the_second_count_with_what_they_have_in_hand():
    times = np.array([[100.0, 900.0, np.inf], [200.0, 300.0, np.inf]])
    seen = cover(times, np.array([0.0, 1200.0]))
    assert seen.first[:2].tolist() == [100, 900] and seen.second[:2].tolist() == [1400, 1500]
    assert np.isinf(seen.first[2]) and seen.who.tolist() == [0, 0, -1]
    assert seen.share(np.array([1.0, 2.0, 1.0]), 600) == 0.25


def test_nobody_on_duty_covers_nothing():
    seen = cover(np.zeros((0, 4)), np.zeros(0))
    assert np.isinf(seen.first).all() and seen.share(np.ones(4), 600) == 0


def test_the_best_move_takes_the_one_who_is_not_needed_where_he_is():
    # Two stand together in cell 0, one alone in cell 1; cell 2 is busy and covered by nobody.
    times = np.array([[0.0, 900, 2000], [10, 900, 2000], [900, 0, 2000]])
    demand = np.array([5.0, 4.0, 3.0])
    seen = cover(times, np.zeros(3))
    move = best_move(demand, seen, 600, [0, 1, 2], np.array([[2000.0, 2000, 0]]),
                     np.array([[2000.0], [1990], [800]]), 3000)  # fmt: skip
    assert move is not None and move.surveyor == 1 and move.gain == 3.0
    assert (move.before, move.after) == (pytest.approx(9 / 12), pytest.approx(1.0))


def test_no_move_is_named_when_none_helps():
    seen = cover(np.array([[0.0, 2000]]), np.zeros(1))
    far = np.array([[2000.0]])
    assert best_move(np.array([5.0, 4.0]), seen, 600, [0], np.array([[2000.0, 0]]), far, 3000) is None
    assert best_move(np.array([4.0, 5.0]), seen, 600, [0], np.array([[2000.0, 0]]), far, 1000) is None
    assert best_move(np.array([4.0, 5.0]), seen, 600, [], np.zeros((0, 2)), np.zeros((0, 0)), 1000) is None


@pytest.mark.parametrize("seed", range(10))
def test_the_best_move_is_what_trying_every_move_finds(seed):
    dice = np.random.default_rng(seed)
    cells, people = dice.uniform(0, 1, (30, 2)), dice.uniform(0, 1, (6, 2))
    demand = dice.exponential(1.0, 30)

    def times(a, b):
        return 2000 * np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1))

    seen = cover(times(people, cells), np.zeros(6))
    move = best_move(demand, seen, 500, range(6), times(cells, cells), times(people, cells), 1e9)
    before, best = seen.share(demand, 500), 0.0
    for i in range(6):
        for j in range(30):
            moved = people.copy()
            moved[i] = cells[j]
            best = max(best, cover(times(moved, cells), np.zeros(6)).share(demand, 500))
    assert (best if best > before + 0.001 else before) == pytest.approx(
        move.after if move else before, abs=1e-3
    )


def test_targets_are_where_uncovered_demand_can_be_reached_from():
    grid = Grid(np.array([[114.0, 32.4], [114.05, 32.4], [114.2, 32.4]]), 1000)
    seen = cover(np.array([[0.0, 5000, 9000]]), np.zeros(1))
    assert coverage.targets(grid, np.array([9.0, 1, 5]), seen, 600, 5.0)[0] == 2
    assert coverage.targets(grid, np.array([9.0, 0, 0]), seen, 600, 5.0) == []
