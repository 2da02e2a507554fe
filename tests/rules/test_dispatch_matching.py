"""Matching: the optimum, proven against brute force and against another solver; filters by name; nobody starves."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import coo_array

from dispatch import costs, matching
from dispatch.costs import REASONS, TERMS, UNSERVED_S, Standing, Waiting, Weights
from geo.fix import LonLat

HERE = LonLat(116.40, 39.91)
W = Weights()
SKILL = frozenset({"motor"})


def straight(places, starts):
    """Road times for tests: the straight line, wound by a third, at 25 km/h."""
    return costs.metres(starts, places) * 1.35 / (25 / 3.6)


def job(ident=1, dx=0.0, dy=0.0, **given):
    base = {
        "org_path": "/1/2/",
        "weights": W,
        "needs": SKILL,
        "contact_left_s": 600.0,
        "arrival_left_s": 1800.0,
    }
    return Waiting(ident, LonLat(HERE.lon + dx, HERE.lat + dy), **(base | given))


def somebody(ident=1, dx=0.0, dy=0.0, **given):
    base = {"org_path": "/1/2/", "skills": SKILL, "age_s": 5.0}
    return Standing(ident, LonLat(HERE.lon + dx, HERE.lat + dy), **(base | given))


def solve(jobs, people, drives=straight):
    matched = matching.match(jobs, people, drives)
    return [None if c < 0 else people[c].id for c in matched.chosen], matched


def worth(matched):
    """What a solution costs, unserved jobs included."""
    cost = {(r, c): v for r, c, v in zip(matched.rows, matched.cols, matched.cost_s, strict=True)}
    return sum(cost[i, c] if c >= 0 else matched.unserved_s[i] for i, c in enumerate(matched.chosen))


def brute_force(matched):
    """Every way to give each job a person or nobody."""
    jobs, people = matched.ground.bars.shape
    cost = {(r, c): v for r, c, v in zip(matched.rows, matched.cols, matched.cost_s, strict=True)}
    best = np.inf
    for way in itertools.product([*range(people), None], repeat=jobs):
        taken = [c for c in way if c is not None]
        if len(set(taken)) < len(taken) or any(
            c is not None and (i, c) not in cost for i, c in enumerate(way)
        ):
            continue
        best = min(best, sum(matched.unserved_s[i] if c is None else cost[i, c] for i, c in enumerate(way)))
    return best


def highs(matched):
    """The same question put to HiGHS as an integer programme."""
    jobs, people = matched.ground.bars.shape
    pairs, unserved = len(matched.rows), matched.unserved_s
    columns = np.arange(pairs)
    rows = np.concatenate((matched.rows, np.arange(jobs)))
    at = np.concatenate((columns, pairs + np.arange(jobs)))
    once = coo_array((np.ones(len(rows)), (rows, at)), shape=(jobs, pairs + jobs))
    most = coo_array((np.ones(pairs), (matched.cols, columns)), shape=(people, pairs + jobs))
    found = milp(
        np.concatenate((matched.cost_s, unserved)),
        constraints=[LinearConstraint(once.tocsc(), 1, 1), LinearConstraint(most.tocsc(), 0, 1)],
        integrality=np.ones(pairs + jobs),
        bounds=(0, 1),
        options={"mip_rel_gap": 0},
    )
    assert found.success
    return found.fun


place = st.floats(-0.2, 0.2)
some_jobs = st.lists(
    st.builds(
        lambda dx, dy, waited, left, arr, priority, path, needs: (dx, dy, {"waited_s": waited, "contact_left_s": left,
            "arrival_left_s": arr, "priority": priority, "org_path": path, "needs": frozenset(needs)}),
        place, place, st.floats(0, 5000), st.one_of(st.none(), st.floats(-3000, 600)),
        st.one_of(st.none(), st.floats(-3000, 3600)), st.integers(0, 10), st.sampled_from(["/1/", "/1/2/", "/1/3/"]),
        st.sets(st.sampled_from(["motor", "agri"]), max_size=2),
    ),
    max_size=4,
)  # fmt: skip
some_people = st.lists(
    st.builds(
        lambda dx, dy, facts: (dx, dy, facts),
        place, place,
        st.fixed_dictionaries({
            "age_s": st.floats(0, 200), "open_jobs": st.integers(0, 3), "free_in_s": st.floats(0, 3000),
            "idle_s": st.floats(0, 20_000), "jobs_today": st.integers(0, 9), "silences": st.integers(0, 3),
            "skills": st.sets(st.sampled_from(["motor", "agri"])).map(frozenset), "on_duty": st.booleans(),
            "has_offer": st.booleans(), "org_path": st.sampled_from(["/1/", "/1/2/", "/1/3/", "/9/"]),
            "firm": st.booleans(), "shift_left_s": st.one_of(st.none(), st.floats(0, 4000)),
        }),
    ),
    max_size=5,
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(some_jobs, some_people, st.data())
def test_the_matching_is_as_cheap_as_the_best_of_all_ways(wanted, there, data):
    people = [somebody(100 + k, dx, dy, **facts) for k, (dx, dy, facts) in enumerate(there)]
    ids = [p.id for p in people]
    jobs = []
    for k, (dx, dy, facts) in enumerate(wanted):
        asked = data.draw(
            st.dictionaries(
                st.sampled_from(ids), st.sampled_from(["declined", "expired", "held"]), max_size=2
            )
            if ids
            else st.just({})
        )
        jobs.append(job(k, dx, dy, **facts, asked=asked))
    _, matched = solve(jobs, people)
    taken = [c for c in matched.chosen if c >= 0]
    assert len(set(taken)) == len(taken)
    assert all(not matched.reasons(i, c) for i, c in enumerate(matched.chosen) if c >= 0)
    assert worth(matched) == pytest.approx(brute_force(matched), rel=1e-12, abs=1e-6)
    assert all((part >= 0).all() for part in matched.parts.values())


@pytest.mark.parametrize(("jobs", "people"), [(40, 120), (60, 40), (120, 500)])
def test_a_large_window_costs_what_another_solver_finds(jobs, people):
    rng = np.random.default_rng(jobs)
    waiting = [job(k, *rng.uniform(-0.15, 0.15, 2), waited_s=float(rng.uniform(0, 900)),
                   arrival_left_s=float(rng.uniform(-300, 1800))) for k in range(jobs)]  # fmt: skip
    there = [somebody(1000 + k, *rng.uniform(-0.15, 0.15, 2), free_in_s=float(rng.integers(0, 3) * 600),
                      open_jobs=int(rng.integers(0, 3)), jobs_today=int(rng.integers(0, 6)))
             for k in range(people)]  # fmt: skip
    _, matched = solve(waiting, there)
    assert worth(matched) == pytest.approx(highs(matched), rel=1e-9)
    assert (matched.chosen >= 0).sum() == min(jobs, people)


def test_the_shortlist_of_a_large_window_loses_next_to_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    waiting = [job(k, *rng.uniform(-0.15, 0.15, 2)) for k in range(120)]
    there = [somebody(1000 + k, *rng.uniform(-0.15, 0.15, 2)) for k in range(600)]
    _, short = solve(waiting, there)
    monkeypatch.setattr(matching, "ALL_PAIRS", 10**9)
    _, everyone = solve(waiting, there)
    assert len(short.rows) < len(everyone.rows) / 10
    assert worth(short) <= worth(everyone) * 1.001


def test_first_come_first_served_would_have_sent_both_the_long_way():
    near, far = somebody(1, 0.0), somebody(2, 0.10)
    # The first report lies between the two, the second beside the only one who is near.
    waiting = [job(1, 0.04, waited_s=1), job(2, -0.01)]
    assert solve(waiting, [near, far])[0] == [2, 1]


def test_nobody_anywhere_leaves_every_job_waiting():
    assert solve([job()], [])[0] == [None]
    assert solve([], [somebody()])[0] == []


def test_who_is_soon_free_round_the_corner_beats_who_is_free_far_away():
    busy = somebody(1, 0.2, open_jobs=1, free_in_s=300, free_at=LonLat(HERE.lon + 0.001, HERE.lat))
    free = somebody(2, 0.12)
    assert solve([job()], [busy, free])[0] == [1]
    assert solve([job()], [replace(busy, free_in_s=7000), free])[0] == [2]


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"on_duty": False}, "off_duty"), ({"age_s": 121.0}, "stale"), ({"skills": frozenset()}, "lacks_skill"),
     ({"has_offer": True}, "has_open_offer"), ({"open_jobs": 5}, "at_cap"), ({"org_path": "/9/"}, "outside_scope"),
     ({"shift_left_s": 10.0, "free_in_s": 60.0}, "shift_ends")],
)  # fmt: skip
def test_each_bar_has_its_name(given, reason):
    chosen, matched = solve([job()], [somebody(**given)])
    assert chosen == [None]
    assert matched.reasons(0, 0) == [reason]


@pytest.mark.parametrize(
    ("weights", "given", "reason"),
    [({"rest_s": 600.0}, {"rested_s": 599.0}, "resting"), ({"duty_most_s": 3600.0}, {"on_duty_s": 3601.0}, "over_hours"),
     ({"firms": "never"}, {"firm": True}, "firm_not_allowed"), ({"ring_m": (1.0, 2.0, 3.0)}, {}, "out_of_radius")],
)  # fmt: skip
def test_each_rule_of_the_house_has_its_name(weights, given, reason):
    one = somebody(1, 0.001, **given)
    chosen, matched = solve([job(weights=replace(W, **weights))], [one])
    assert (chosen, matched.reasons(0, 0)) == ([None], [reason])
    assert solve([job()], [one])[0] == [1]


def test_no_road_is_a_reason():
    chosen, matched = solve(
        [job()], [somebody()], lambda places, starts: np.full((len(starts), len(places)), np.inf)
    )
    assert (chosen, matched.reasons(0, 0)) == ([None], ["unreachable"])


def test_who_said_no_is_barred_and_who_was_silent_comes_last():
    people = [somebody(1), somebody(2), somebody(3, 0.5, org_path="/1/3/")]
    assert solve([job(asked={1: "declined", 2: "expired"})], people)[0] == [3]
    assert solve([job(asked={1: "declined", 2: "expired"})], people[:2])[0] == [2]
    assert solve([job(asked={1: "held"})], people[:1])[0] == [None]


def test_neighbours_are_asked_only_when_own_people_cannot_and_firms_after_them():
    own, neighbour = somebody(1, 0.08), somebody(2, org_path="/1/3/")
    firm = somebody(3, org_path="/1/2/7/", firm=True)
    assert solve([job()], [own, neighbour, firm])[0] == [1]
    assert solve([job()], [replace(own, on_duty=False), neighbour, firm])[0] in ([2], [3])
    assert solve([job()], [firm])[0] == [3]
    assert solve([job(weights=replace(W, firms="always"))], [own, firm])[0] == [3]


def test_two_jobs_and_one_man_of_their_own_cross_the_border_once():
    own, neighbour = somebody(1), somebody(2, org_path="/1/3/")
    assert sorted(solve([job(1), job(2)], [own, neighbour])[0]) == [1, 2]


def test_a_deaf_phone_is_put_off_and_costs_only_the_time_to_find_that_out():
    assert solve([job()], [somebody(1, unreached=1), somebody(2, 0.0008)])[0] == [2]
    _, matched = solve([job()], [somebody(1, unreached=1), somebody(2, silences=5)])
    deaf, quiet = (next(c for c in matched.ranked(0) if c.person == n).terms["silence"] for n in (0, 1))
    assert deaf == pytest.approx(5.1 / 7 * 30) and quiet == pytest.approx(5 / 7 * 90 + 0.1 / 7 * 30)
    assert costs.answers(somebody(1)) == pytest.approx(0.95)


def test_who_was_not_reached_comes_last_until_his_phone_looks_again():
    again = job(asked={1: "unreached"})
    assert solve([again], [somebody(1, unreached=1), somebody(2, 0.05)])[0] == [2]
    assert solve([again], [somebody(1), somebody(2, 0.05)])[0] == [1]
    assert solve([again], [somebody(1, unreached=1)])[0] == [1]


def test_a_phone_that_was_silent_or_grew_quiet_is_put_off():
    assert solve([job()], [somebody(1, silences=2), somebody(2, 0.002)])[0] == [2]
    assert solve([job()], [somebody(1, age_s=119.0), somebody(2, 0.0002)])[0] == [2]
    # An hour later it is as good as any other.
    assert solve([job()], [somebody(1, silences=2, silent_s=9000.0), somebody(2, 0.004)])[0] == [1]


def test_who_has_had_more_jobs_today_is_spared():
    assert solve([job()], [somebody(1, jobs_today=6), somebody(2, 0.001, jobs_today=0)])[0] == [2]


def test_the_last_one_of_a_quarter_stays_when_another_is_as_near():
    # 1 stands alone; 2 stands beside 3, 4 and 5.
    people = [somebody(1, 0.02), *(somebody(2 + k, -0.0201, k * 0.001) for k in range(4))]
    assert solve([job()], people)[0] == [2]


def test_a_busy_one_is_passed_over_when_the_call_itself_is_urgent():
    busy = somebody(1, open_jobs=1, free_in_s=0.0)
    free = [somebody(2, 0.005), somebody(3, 0.0051)]
    assert solve([job(contact_left_s=100.0)], [busy, *free])[0] == [2]
    assert solve([job(contact_left_s=600.0)], [busy, *free])[0] == [1]


def test_the_injured_then_the_oldest_come_first():
    one = [somebody()]
    assert solve([job(1, waited_s=1), job(2), job(3, priority=10)], one)[0] == [None, None, 1]
    assert solve([job(1), job(2, waited_s=0.001)], one)[0] == [None, 1]


@settings(max_examples=10, deadline=None)
@given(st.floats(0.05, 0.2), st.floats(0, 0.04))
def test_nobody_starves_however_near_the_newcomers_are(far, near):
    """One surveyor, a job far away, and a new one round the corner whenever he is free: the far one's turn comes."""
    waited = 0.0
    for _ in range(40):
        old = job(1, far, waited_s=waited, contact_left_s=600 - waited, arrival_left_s=1800 - waited)
        if solve([old, job(2, near)], [somebody()])[0][0] is not None:
            return
        waited += 900.0
    raise AssertionError("the far job is never served")


def test_an_unserved_job_is_dearer_than_any_pair_within_reach():
    worst = job(weights=replace(W, late_share=10.0), arrival_left_s=-1e6, contact_left_s=-1e6, waited_s=1e6)
    stranger = somebody(
        1, 0.9, org_path="/1/3/", firm=True, open_jobs=4, free_in_s=5 * 1200.0, silences=9, jobs_today=50
    )
    chosen, matched = solve([replace(worst, asked={1: "expired"})], [stranger])
    assert chosen == [1]
    assert matched.cost_s[0] < matched.unserved_s[0]
    assert matched.unserved_s[0] > UNSERVED_S


def test_the_terms_are_named_and_add_up():
    _, matched = solve([job()], [somebody(1, 0.01), somebody(2, 0.02)])
    first, second = matched.ranked(0)
    assert [matched.ground.people[c.person].id for c in (first, second)] == [1, 2]
    assert tuple(first.terms) == TERMS
    assert sum(first.terms.values()) == pytest.approx(first.cost_s)
    assert first.soonest_s == pytest.approx(first.drive_s)
    assert len(REASONS) == len(set(REASONS)) <= 31


def test_expected_lateness_is_the_mean_of_what_is_beyond_the_limit():
    rng = np.random.default_rng(0)
    for mean, left, spread in ((900.0, 1000.0, 200.0), (1200.0, 1000.0, 100.0), (10.0, 1000.0, 50.0)):
        drawn = np.maximum(0, rng.normal(mean, spread, 400_000) - left).mean()
        ours = costs.expected_late(np.array([mean]), np.array([left]), np.array([spread]))[0]
        assert ours == pytest.approx(drawn, abs=0.6)
