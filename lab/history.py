"""Three days that never were: the real use cases, run on a simulated clock, one claim a transaction.

Each claim is written whole in one transaction, so that the sweeper of the running site never sees one half done.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from claims import service as claims
from claims.models import Claim
from core import clock, database
from core.settings import Settings
from dispatch import answers, field
from geo import store
from lab import casework
from lab.acts import ask, mark_sent, notice, photograph, settle, visit
from lab.demand import DEMO_POLICY, Demand, LossReport
from lab.movement import Roads
from lab.scenes import Scenes
from lab.stage import Album, Cast, staged
from media.storage import Storage
from staff import accounts
from staff.accounts import Actor
from staff.models import Organisation, Person, Surveyor

log = logging.getLogger("demo")

DAYS = 3
MEAN_INTERVAL_S = 1_080.0  # about eighty reports a day
WITH_PHOTOS = 30  # the newest claims carry real photographs
LEFT_TO_REVIEW = 5  # the newest of them wait for the visitor: a review desk without work shows nothing
LEFT_POLICY = "LEFT"
USUALLY_THERE = timedelta(minutes=40)  # from the call to the photographs: night or day is all it decides
UNTIL_BEFORE = timedelta(
    minutes=75
)  # the longest survey, so that none ends in the future; the living part takes over


def write(
    settings: Settings,
    storage: Storage,
    roads: Roads,
    *,
    stop: Callable[[], bool] = lambda: False,
    most: int | None = None,
    photographed: int = WITH_PHOTOS,
) -> int:
    """Writes the history once; returns how many claims it made. Ends early when `stop()`.

    `most` keeps only so many of the newest reports; the newest `photographed` get real photographs.
    """
    engine = database.connect(settings.database_url, name="chakan-history")
    sessions = database.sessions(engine)
    with sessions.begin() as session:
        now = clock.read(session)
        if session.scalar(select(Claim.id).limit(1)) is not None:
            return 0
        store.ensure_partitions(session, now.date())
        cast = players(session)
    end = now - UNTIL_BEFORE
    demand = Demand(roads.city, seed=11, mean_interval_s=MEAN_INTERVAL_S)
    reports = list(demand.between(now - timedelta(days=DAYS), end))
    reports = reports if most is None else reports[max(0, len(reports) - most) :]
    rng, scenes, made = random.Random(11), Scenes(1), 0
    # The review desk is looked at in the first minute: its work first.
    turns = sorted(enumerate(reports), key=lambda turn: turn[0] < len(reports) - LEFT_TO_REVIEW)
    for number, report in turns:
        if stop():
            break
        album, newer = None, len(reports) - 1 - number
        if newer < min(LEFT_TO_REVIEW, photographed):
            report = replace(report, policy_no=report.policy_no.replace(DEMO_POLICY, LEFT_POLICY))
        if newer < photographed:
            album = Album(storage, scenes, {"id": number, "line": report.line, "cause": report.cause})
            album.draw(report.call_ended_at + USUALLY_THERE)
        try:
            one_claim(engine, settings, cast, report, rng, roads, album, end)
        except IntegrityError:
            # The living demonstration asked the same surveyor in that moment: the past does without this claim.
            continue
        made += 1
    engine.dispose()
    log.warning("history written", extra={"claims": made})
    return made


def players(session: Session) -> Cast:
    """The demonstration's people as actors."""
    rows = session.execute(
        select(Person, Organisation.path).join(Organisation, Organisation.id == Person.org_id)
    ).all()

    def actor(person: Person, path: str) -> Actor:
        return accounts.Actor(
            person.id,
            person.org_id,
            path,
            frozenset(person.roles),
            "api",
            None,
            0,
            person.name,
            person.authority_fen,
            "zh-CN",
        )

    by_name = {person.username: actor(person, path) for person, path in rows}
    crew = tuple(
        a
        for a in by_name.values()
        if "surveyor" in a.roles and session.get(Surveyor, a.person_id) is not None
    )
    return Cast(by_name["seat"], by_name["adjuster2"], crew, {a.person_id: a.org_path for a in crew})


def one_claim(
    engine: Engine,
    settings: Settings,
    cast: Cast,
    report: LossReport,
    rng: random.Random,
    roads: Roads,
    album: Album | None,
    end: datetime,
) -> None:
    """One claim from the call to the settlement, or as far as it had come by `end`."""
    with staged(engine, settings, report.call_ended_at) as stage:
        opened = claims.open_claim(stage.sessions, cast.seat, notice(report), stage.now)
        stage.claim_id = opened.claim_id
        stage.tell()
        surveyor, offer_id = ask(stage, cast, opened.task_id, report, rng)
        stage.later(rng.uniform(4, 45))
        answers.accept(stage.sessions, offer_id, surveyor.person_id, surveyor, stage.now, stage.now)
        stage.tell()
        visit(stage, opened.task_id, surveyor, report, rng, roads)
        if album is not None:
            photograph(stage, opened.task_id, surveyor, report, rng, album)
        stage.later(rng.uniform(240, 900))
        task = {"line": report.line}
        field.submit(
            stage.sessions,
            opened.task_id,
            surveyor.person_id,
            casework.survey_report(task, rng),
            surveyor,
            stage.now,
            now=stage.now,
        )
        stage.tell()
        if stage.now < end and not report.policy_no.startswith(LEFT_POLICY):
            settle(stage, cast.adjuster, opened.claim_id, opened.task_id, report, rng, end)
        mark_sent(stage, opened.claim_id)
