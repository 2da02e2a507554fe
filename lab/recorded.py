"""A real day as a day to play: what was reported, who worked, where their phones were, and what each really did.

A surveyor follows his recorded track for as long as the replay gives him what he had that day; from the first difference
on he drives as the lab's people do, from where he then was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import Row
from sqlalchemy.orm import Session

from dispatch.costs import root_of
from geo.fix import LonLat
from lab import queries
from lab.day import Day, Deed, Human, Loss, Person, Track
from lab.net import Net
from lab.throw import LEVEL, SCENE

FIX_STEP_S = 20
# A phone not heard of for longer than this had fallen silent.
SILENT_AFTER_S = 180.0
MOST_REPORTS = 4_000
# What nobody recorded is thrown as usual, except what the record itself shows: silence, refusals, and the roads.
UNRECORDED = Human(silent=0.0, hidden=0.0, traffic_spread=0.0)
USUAL_SCENE_S = 1_920.0


@dataclass(frozen=True)
class Recorded:
    """A day from the tables, and the numbers by which its claims and people are known there."""

    day: Day
    tasks: tuple[int, ...]
    surveyors: tuple[int, ...]
    first_asked: Mapping[int, int]  # claim → whom the machine asked first then
    arrive_min: tuple[float, ...]  # as observed, of the claims that were reached
    contact_min: tuple[float, ...]
    report_nos: tuple[str, ...] = ()


def read(
    session: Session,
    net: Net,
    path: str,
    start: datetime,
    hours: float,
    *,
    seed: int = 1,
    most: int = MOST_REPORTS,
) -> Recorded:
    """The claims of an organisation's part of the tree in the hours from `start`, and everybody who worked then."""
    end = start + timedelta(hours=hours)
    reports = queries.rows(session, queries.REPORTS, scope=path + "%", start=start, end=end, most=most)
    crew = queries.rows(session, queries.CREW, root=root_of(path) + "%", start=start, end=end)
    ids = list(dict.fromkeys(row.id for row in crew))
    fixes = queries.rows(
        session, queries.FIXES, start=start - timedelta(minutes=30), end=end, ids=ids, step=FIX_STEP_S
    )
    before = {
        row.surveyor_id: LonLat(row.lon, row.lat) for row in queries.rows(session, queries.BEFORE, ids=ids)
    }
    tasks = [row.id for row in reports]
    tracks = _tracks(fixes, start)
    known = [ident for ident in ids if ident in tracks or ident in before]
    people = _people(crew, known, tracks, start, seed)
    homes = [tracks[ident].places[0] if ident in tracks else before[ident] for ident in known]
    usual = _usual([float(row.scene_s) for row in reports if row.scene_s])
    losses = tuple(_loss(no, row, len(known) + no, start, usual) for no, row in enumerate(reports))
    offers = queries.rows(session, queries.OFFERS, tasks=tasks)
    duties = queries.rows(session, queries.DUTIES, tasks=tasks)
    claim_of = {task: no for no, task in enumerate(tasks)}
    person_of = {ident: no for no, ident in enumerate(known)}
    places = (*homes, *(LonLat(row.lon, row.lat) for row in reports))
    deeds = _deeds(offers, duties, claim_of, person_of, start)
    day = Day(net, UNRECORDED, seed, places, losses, people, hours * 3_600.0, deeds=deeds)
    first: dict[int, int] = {}
    for row in offers:
        if row.surveyor_id in person_of:
            first.setdefault(claim_of[row.task_id], person_of[row.surveyor_id])
    numbers = tuple(str(row.report_no) for row in reports)
    observed = _observed(duties, losses, claim_of, start)
    return Recorded(day, tuple(tasks), tuple(known), first, *observed, report_nos=numbers)


def reproduced(recorded: Recorded, asked_first: Mapping[int, int]) -> float:
    """The share of the day's first questions that a replay puts to the same surveyor."""
    same = [asked_first.get(claim) == person for claim, person in recorded.first_asked.items()]
    return sum(same) / len(same) if same else 1.0


def _since(start: datetime, at: datetime | None) -> float | None:
    return None if at is None else (at - start).total_seconds()


def _tracks(fixes: Sequence[Row[Any]], start: datetime) -> dict[int, Track]:
    found: dict[int, list[tuple[float, LonLat]]] = {}
    for row in fixes:
        at = (row.fixed_at - start).total_seconds()
        found.setdefault(row.surveyor_id, []).append((at, LonLat(row.lon, row.lat)))
    return {
        ident: Track(tuple(at for at, _ in mine), tuple(place for _, place in mine))
        for ident, mine in ((ident, sorted(mine)) for ident, mine in found.items())
    }


def _people(
    crew: Sequence[Row[Any]], known: Sequence[int], tracks: Mapping[int, Track], start: datetime, seed: int
) -> tuple[Person, ...]:
    """Everybody with a shift and a position; gaps in his track are when his phone was mute."""
    by_id: dict[int, list[Row[Any]]] = {}
    for row in crew:
        by_id.setdefault(row.id, []).append(row)
    people = []
    for no, ident in enumerate(known):
        mine = by_id[ident]
        shifts = tuple(
            (max(0.0, _since(start, row.started_at) or 0.0), _since(start, row.ended_at) or float("inf"))
            for row in mine
        )
        track = tracks.get(ident)
        people.append(
            Person(
                no, no, shifts, frozenset(mine[0].skills), mine[0].max_open, _gaps(track), FIX_STEP_S,
                (no * 7.0) % FIX_STEP_S, mine[0].path, track,
            )
        )  # fmt: skip
    return tuple(people)


def _gaps(track: Track | None) -> tuple[tuple[float, float], ...]:
    if track is None:
        return ()
    times = (*track.at_s, float("inf"))
    return tuple(
        (before + FIX_STEP_S, after)
        for before, after in pairwise(times)
        if after - before > SILENT_AFTER_S and after < float("inf")
    )


def _usual(scene_s: Sequence[float]) -> float:
    return float(np.mean(scene_s)) if len(scene_s) >= 5 else USUAL_SCENE_S


def _loss(no: int, row: Row[Any], place: int, start: datetime, usual: float) -> Loss:
    expected = usual * SCENE.get(row.cause or "", 1.0) / LEVEL
    at_s = (row.at - start).total_seconds()
    return Loss(
        no, at_s, place, float(row.scene_s or expected), expected, tuple(row.needs), row.cause or "", row.path
    )


def _deeds(
    offers: Sequence[Row[Any]], duties: Sequence[Row[Any]], claim_of: Mapping[int, int], person_of: Mapping[int, int],
    start: datetime,
) -> dict[tuple[int, int], Deed]:  # fmt: skip
    held = {(row.task_id, row.surveyor_id): row for row in duties}
    found: dict[tuple[int, int], Deed] = {}
    for row in offers:
        if row.surveyor_id not in person_of or row.settled_at is None:
            continue
        took = (row.settled_at - row.made_at).total_seconds()
        duty = held.get((row.task_id, row.surveyor_id)) if row.state == "accepted" else None
        steps = (None, None, None, None) if duty is None else _steps(duty, start)
        # Of an offer whose answer was the first sign that it had arrived, nobody knows since when he had it.
        known = row.delivered_at is not None and row.delivered_at < row.settled_at
        got = (row.delivered_at - row.made_at).total_seconds() if known else None
        found[claim_of[row.task_id], person_of[row.surveyor_id]] = replace(
            Deed(row.state, took, *steps), fetch_s=got
        )
    return found


def _steps(duty: Row[Any], start: datetime) -> tuple[float | None, ...]:
    accepted = _since(start, duty.accepted_at) or 0.0

    def after(begin: float | None, at: datetime | None) -> float | None:
        reached = _since(start, at)
        return None if begin is None or reached is None or reached < begin else reached - begin

    departed = _since(start, duty.departed_at)
    return (
        accepted, after(accepted, duty.contacted_at), after(accepted, duty.departed_at), after(departed, duty.arrived_at)
    )  # fmt: skip


def _observed(
    duties: Sequence[Row[Any]], losses: Sequence[Loss], claim_of: Mapping[int, int], start: datetime
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Minutes from each report to the first arrival and the first contact, as they really were."""
    arrive: dict[int, float] = {}
    contact: dict[int, float] = {}
    for row in duties:
        claim = claim_of[row.task_id]
        for at, found in ((row.arrived_at, arrive), (row.contacted_at, contact)):
            since = _since(start, at)
            if since is not None:
                found.setdefault(claim, (since - losses[claim].at_s) / 60)
    return tuple(arrive.values()), tuple(contact.values())
