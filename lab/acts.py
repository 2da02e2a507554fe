"""What happens to a claim of the demonstration's past, act by act: the real use cases on the stage's clock."""

import hashlib
import random
from datetime import datetime, timedelta

from sqlalchemy import select, text

from claims import states
from claims.models import Claim, Task
from claims.service import Item, Notice
from dispatch import answers, field
from dispatch.models import Decision, Offer
from geo import eta, store
from geo.fix import Fix, LonLat, metres_between
from lab import casework
from lab.demand import LossReport
from lab.movement import Roads
from lab.stage import Album, Cast, Stage
from media import assessment, review
from media.models import Photo
from media.storage import original_key
from notify import links
from staff.accounts import Actor
from staff.models import Organisation, Surveyor

STARS = (5, 5, 5, 5, 4, 4, 3, 2)
REMARKS = ("查勘员很快就到了，服务很好", "态度好，讲解清楚", "等得有点久", "")


def notice(report: LossReport) -> Notice:
    """The report as the seat typed it."""
    items = tuple(
        Item(i["kind"], i.get("plate"), i.get("vin"), i.get("description", "")) for i in report.items()
    )
    return Notice(
        reporter_phone=report.phone, reported_at=report.reported_at, call_ended_at=report.call_ended_at,
        reporter_name=report.reporter_name, reporter_relation=report.relation, loss_at=report.loss_at, place=report.position,
        place_text=report.place, cause=report.cause, injured=report.injured, movable=report.movable,
        scene_left=report.scene_left, line=report.line, policy_no=report.policy_no, items=items, note=report.note,
    )  # fmt: skip


def ask(stage: Stage, cast: Cast, task_id: int, report: LossReport, rng: random.Random) -> tuple[Actor, int]:
    """Offers the job; one in eight times the first one asked declines or keeps silent."""
    with stage.sessions.begin() as session:
        task = session.get_one(Task, task_id)
        home = session.get_one(Organisation, task.org_id).path
        # Who is being asked right now has his one open offer: the past must not collide with it.
        asked = set(session.scalars(select(Offer.surveyor_id).where(Offer.state == "open")))
        crew = [a for a in cast.crew if a.person_id not in asked] or cast.crew
        able = [
            a
            for a in crew
            if a.org_path == home and set(task.needs) <= set(session.get_one(Surveyor, a.person_id).skills)
        ]
        able = able or [
            a for a in crew if set(task.needs) <= set(session.get_one(Surveyor, a.person_id).skills)
        ]
    chosen = rng.sample(able, min(len(able), 4))
    rounds = 2 if rng.random() < 0.125 and len(chosen) > 1 else 1
    offer_id = 0
    for round_no in range(1, rounds + 1):
        surveyor = chosen[round_no - 1]
        stage.later(rng.uniform(0.15, 0.6))
        offer_id = offer(stage, task_id, surveyor, chosen, report, round_no, rng)
        if round_no < rounds:
            refuse(stage, offer_id, surveyor, rng)
    return chosen[rounds - 1], offer_id


def offer(
    stage: Stage,
    task_id: int,
    surveyor: Actor,
    others: list[Actor],
    report: LossReport,
    round_no: int,
    rng: random.Random,
) -> int:
    """The decision and the offer as dispatch would have written them; where everybody was then is made up."""
    seen, distance_m = [], round(rng.uniform(300, 6_000))
    for rank, other in enumerate([surveyor, *[o for o in others if o is not surveyor]], start=1):
        drive = eta.of_distance(distance_m, speed_kmh=25, winding=1.35)
        seen.append(
            {
                "surveyor_id": str(other.person_id),
                "rank": rank,
                "distance_m": distance_m,
                "eta_s": drive.seconds,
                "soonest_s": drive.seconds,
                "age_s": rng.randint(1, 40),
                "open_jobs": 0,
                "reasons": [],
                "outcome": "chosen" if rank == 1 else "passed_over",
                "reason": None if rank == 1 else "farther",
            }
        )
        distance_m += round(rng.uniform(200, 3_000))
    with stage.sessions.begin() as session:
        task = session.get_one(Task, task_id)
        decision = Decision(
            task_id=task_id, at=stage.now, kind="auto", radius_m=10_000, provider="straight_line",
            chosen_id=surveyor.person_id, candidates=seen,
        )  # fmt: skip
        session.add(decision)
        session.flush()
        made = Offer(
            task_id=task_id, surveyor_id=surveyor.person_id, decision_id=decision.id, state="open", made_at=stage.now,
            expires_at=stage.now + timedelta(seconds=90), delivered_at=stage.now + timedelta(seconds=2),
            round=round_no, rank=1, distance_m=seen[0]["distance_m"],
            eta_s=seen[0]["eta_s"], drive_s=seen[0]["eta_s"], eta_by="straight_line",
        )  # fmt: skip
        session.add(made)
        states.move_task(task, states.TaskState.OFFERED, stage.now)
        task.round = round_no
        session.flush()
        return made.id


def refuse(stage: Stage, offer_id: int, surveyor: Actor, rng: random.Random) -> None:
    """The one asked declines, with a reason."""
    stage.later(rng.uniform(5, 60))
    reason = rng.choice(("busy", "too_far", "other"))
    answers.decline(stage.sessions, offer_id, surveyor.person_id, reason, surveyor, stage.now, stage.now)


def visit(
    stage: Stage, task_id: int, surveyor: Actor, report: LossReport, rng: random.Random, roads: Roads
) -> None:
    """Rings, sets out, arrives; one in twenty-five rings too late."""
    late = rng.random() < 0.04
    if rng.random() < 0.08:
        stage.later(rng.uniform(20, 80))
        field.contacted(
            stage.sessions,
            task_id,
            surveyor.person_id,
            "phone",
            "no_answer",
            surveyor,
            stage.now,
            now=stage.now,
        )
    stage.later(rng.uniform(610, 900) if late else rng.uniform(25, 330))
    field.contacted(
        stage.sessions, task_id, surveyor.person_id, "phone", "answered", surveyor, stage.now, now=stage.now
    )
    stage.later(rng.uniform(10, 90))
    field.depart(stage.sessions, task_id, surveyor.person_id, surveyor, stage.now, now=stage.now)
    stage.tell()
    start = roads.city.at(
        rng.choice(roads.nodes_near(report.position, rng.uniform(1_500, 5_000)) or [report.node])
    )
    drive = roads.drive(roads.nearest_node(start), report.node, stage.now)
    drove_s = max(60.0, (drive.arrive - stage.now).total_seconds() * rng.uniform(1.0, 1.5))
    record_track(stage, surveyor.person_id, start, report.position, drove_s)
    stage.later(drove_s)
    field.arrive(
        stage.sessions, task_id, surveyor.person_id, surveyor, report.position, None, stage.now, stage.now
    )
    stage.tell()


def record_track(stage: Stage, surveyor_id: int, start: LonLat, goal: LonLat, drove_s: float) -> None:
    """Positions every half minute of the drive."""
    steps = max(2, int(drove_s // 30))
    speed = metres_between(start, goal) / drove_s
    rows = []
    for n in range(steps + 1):
        share, at = n / steps, stage.now + timedelta(seconds=drove_s * n / steps)
        lon, lat = start.lon + (goal.lon - start.lon) * share, start.lat + (goal.lat - start.lat) * share
        rows.append(
            store.Row(
                surveyor_id, 0, Fix(at, at, lon, lat, 9.0, round(speed, 1), None, None, 80, "phone", None)
            )
        )
    with stage.sessions.begin() as session:
        store.insert_history(session, rows)


def photograph(
    stage: Stage,
    task_id: int,
    surveyor: Actor,
    report: LossReport,
    rng: random.Random,
    album: Album,
) -> None:
    """Real photographs in the photo store; the workers make their copies as for any other."""
    with stage.sessions.begin() as session:
        claim_id = session.get_one(Task, task_id).claim_id
        for code in album.shots:
            stage.later(rng.uniform(15, 60))
            here = LonLat(
                report.position.lon + rng.uniform(-1e-4, 1e-4),
                report.position.lat + rng.uniform(-1e-4, 1e-4),
            )
            photo = album.scenes.photo(album.job, code, here, rng, stage.now)
            sha256 = hashlib.sha256(photo).digest()
            album.storage.put(original_key(sha256), [photo])
            session.add(photo_row(claim_id, task_id, surveyor, code, photo, sha256, here, stage.now))


def photo_row(
    claim_id: int,
    task_id: int,
    surveyor: Actor,
    shot: str,
    photo: bytes,
    sha256: bytes,
    here: LonLat,
    at: datetime,
) -> Photo:
    """The row of a stored photograph."""
    return Photo(
        claim_id=claim_id, task_id=task_id, shot=shot, sha256=sha256, object_key=original_key(sha256), filename=f"{shot}.jpg",
        content_type="image/jpeg", size_bytes=len(photo), width=1280, height=960, state="received", taken_at=at,
        received_at=at + timedelta(seconds=4), due_at=at, lon=here.lon, lat=here.lat, accuracy_m=8.0, flags=[],
        person_id=surveyor.person_id,
    )  # fmt: skip


def settle(
    stage: Stage,
    adjuster: Actor,
    claim_id: int,
    task_id: int,
    report: LossReport,
    rng: random.Random,
    end: datetime,
) -> None:
    """The adjuster's part: photos, lines, approval; then the customer's rating."""
    stage.later(rng.uniform(180, 2_400))
    if stage.now > end:
        return  # still in the queue when the curtain rises
    review.take(stage.sessions, adjuster, task_id, stage.now)
    with stage.sessions.begin() as session:
        photos = session.scalars(select(Photo.id).where(Photo.task_id == task_id)).all()
        lacking = [
            s.code
            for s in assessment.missing_shots(
                session, session.get_one(Claim, claim_id), session.get_one(Task, task_id)
            )
        ]
    for photo_id in photos:
        stage.later(rng.uniform(3, 12))
        review.approve_photo(stage.sessions, adjuster, photo_id, stage.now)
    if lacking:
        review.waive(stage.sessions, adjuster, task_id, lacking, "演示历史数据，影像从略", stage.now)
    stage.later(rng.uniform(60, 400))
    lines = [assessment.Line(**line) for line in casework.damage_lines({"line": report.line}, rng)]
    assessment.save(stage.sessions, adjuster, claim_id, lines, now=stage.now)
    stage.later(rng.uniform(20, 120))
    assessment.approve(stage.sessions, adjuster, claim_id, stage.now)
    stage.tell()
    if rng.random() < 0.45:
        stage.later(rng.uniform(300, 5_000))
        with stage.sessions.begin() as session:
            slug = links.slug_of(session, claim_id)
            if slug is not None:
                links.rate(session, slug, rng.choice(STARS), rng.choice(REMARKS), min(stage.now, end))


SENT = """
UPDATE message SET state = 'sent', sent_at = due_at + interval '2 seconds', attempts = 1, driver = 'outbox', created_at = due_at
 WHERE claim_id = :claim_id AND state = 'waiting'
"""


def mark_sent(stage: Stage, claim_id: int) -> None:
    """Marks the claim's messages as sent when they were written."""
    stage.connection.execute(text(SENT), {"claim_id": claim_id})
