"""Use cases: write down who is to be told, hand it to the provider, try again, give up in public."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core import audit, clock, metrics
from core.database import Sessions
from core.errors import Missing
from core.settings import Settings
from notify import chat, compose, draft, links, message, queries, rows, webhook
from notify.channels import Driver, driver_for
from notify.draft import Draft, Telling
from notify.errors import MessageWaiting, SendFailed, Transient, Unsure
from notify.message import Letter
from notify.models import Message
from staff import rules
from staff.models import Organisation

log = logging.getLogger(__name__)

MAX_TRIES = 8
FIRST_WAIT = timedelta(seconds=30)
# Longer than any driver may take, so that two senders never hold one message.
LEASE = timedelta(seconds=90)
# How long a message handed to a queue is left alone before it is handed out again.
ENQUEUED = timedelta(seconds=20)
# What sets the key of a repeat apart from the first message.
REPEAT = "#again"


def tell(
    sessions: Sessions,
    settings: Settings,
    event: str,
    payload: Mapping[str, Any],
    now: datetime | None = None,
) -> list[int]:
    """Writes the messages an event calls for; returns the ids of the new ones. Safe to repeat."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        if event in ("claim.opened", "claim.approved", "claim.withdrawn"):
            links.keep(session, int(payload["claim_id"]), now)
        claim = queries.claim(session, int(payload["claim_id"]))
        if claim is None:
            return []
        t = draft.telling(session, claim, chat.room_names(settings.chat_urls), now)
        if event == "claim.withdrawn":
            drop_waiting(session, claim.id)
        written = [_write(t, settings, new) for new in compose.drafts(t, event, dict(payload))]
        if t.rules["webhook_url"]:
            written.append(rows.add_webhook(session, claim.org_id, event, payload, now, claim.id))
        return [message_id for message_id in written if message_id is not None]


def _write(t: Telling, settings: Settings, new: Draft) -> int | None:
    stale_at = new.stale_at or new.at + timedelta(minutes=int(t.rules["message_stale_min"]))
    base, signature = settings.public_url, str(t.rules["sms_signature"])
    if new.channel == "sms":
        words = message.sms(new.template, new.values, new.lang, base=base, signature=signature)
    else:
        words = message.render(new.template, new.values, new.lang, base=base)
    return rows.add(
        t.session,
        org_id=t.claim.org_id,
        claim_id=t.claim.id,
        created_at=t.now,
        due_at=t.now,
        once=new.once,
        audience=new.audience,
        channel=new.channel,
        address=new.address,
        template=new.template,
        values=dict(new.values),
        text=words,
        lang=new.lang,
        stale_at=stale_at,
        state="dropped" if new.impossible else "waiting",
        last_error=new.impossible,
    )


def drop_waiting(session: Session, claim_id: int) -> None:
    """Nobody hears more of a withdrawn claim, except who is on his way to it and other systems."""
    session.execute(
        update(Message)
        .where(Message.claim_id == claim_id, Message.state == "waiting", Message.channel != "webhook")
        .where(Message.template != "task_cancelled")
        .values(state="dropped", last_error="withdrawn")
    )


def due_messages(session: Session, now: datetime, limit: int = 100) -> list[int]:
    """Messages that are due, oldest first; each is then left alone a while: no queue fills with repeats."""
    rows = session.execute(
        text(
            "WITH due AS MATERIALIZED ("
            " SELECT id, due_at FROM message WHERE state = 'waiting' AND due_at <= :now"
            " AND (leased_until IS NULL OR leased_until <= :now)"
            " ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
            " UPDATE message AS m SET due_at = :again FROM due WHERE m.id = due.id"
            " RETURNING m.id, due.due_at AS since"
        ),
        {"now": now, "again": now + ENQUEUED, "limit": limit},
    ).all()
    # An UPDATE returns its rows in any order.
    return [row.id for row in sorted(rows, key=lambda row: (row.since, row.id))]


def send(
    sessions: Sessions, drivers: Mapping[str, Driver], message_id: int, now: datetime | None = None
) -> str:
    """Hands one message to its provider; returns sent, waiting, failed, dropped, or elsewhere.

    No transaction is open while the provider thinks; `attempts` fences off a sender that was away too long.
    """
    with sessions.begin() as session:
        leased = _lease(session, message_id, clock.read(session, now))
    if isinstance(leased, str):
        return leased
    letter, attempt = leased
    failure: SendFailed | None = None
    provider_id = driver_name = None
    try:
        driver = driver_for(drivers, letter.channel)
        driver_name = driver.name
        provider_id = driver.send(letter)
    except SendFailed as error:
        failure = error
    with sessions.begin() as session:
        outcome = _record(
            session, message_id, attempt, driver_name, provider_id, failure, clock.read(session, now)
        )
    metrics.MESSAGES.labels(letter.channel, outcome).inc()
    log.info(
        "message handled",
        extra={"message_id": message_id, "channel": letter.channel, "outcome": outcome, "attempt": attempt}
        | ({"error": failure.reason} if failure else {}),
    )
    return outcome


def _lease(session: Session, message_id: int, now: datetime) -> tuple[Letter, int] | str:
    row = session.scalars(
        select(Message).where(Message.id == message_id).with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None or row.state != "waiting" or (row.leased_until and row.leased_until > now):
        return "elsewhere"
    if row.stale_at and row.stale_at <= now:
        row.state, row.last_error = "dropped", _too_late(row.last_error)
        metrics.MESSAGES.labels(row.channel, "dropped").inc()
        return "dropped"
    if row.attempts >= MAX_TRIES:
        # Its senders died every time: parked, so that one poisonous message cannot stop the others.
        row.state, row.last_error = "failed", row.last_error or "sender_died"
        metrics.MESSAGES.labels(row.channel, "failed").inc()
        return "failed"
    row.attempts += 1
    row.leased_until = row.due_at = now + LEASE
    title = message.title(row.template, row.values, row.lang) if row.channel in ("mail", "chat") else ""
    letter = Letter(
        message_id=row.id,
        channel=row.channel,
        address=row.address,
        template=row.template,
        values=dict(row.values),
        title=title,
        text=row.text,
        lang=row.lang,
        signature=str(rules.value(session, row.org_id, "sms_signature", "查勘")),
    )
    return letter, row.attempts


def _record(
    session: Session, message_id: int, attempt: int, driver: str | None, provider_id: str | None,
    failure: SendFailed | None, now: datetime,
) -> str:  # fmt: skip
    row = session.scalars(
        select(Message).where(Message.id == message_id, Message.attempts == attempt).with_for_update()
    ).one_or_none()
    if row is None or row.state != "waiting":
        return "elsewhere"
    row.driver, row.leased_until = driver, None
    if failure is None:
        row.state, row.sent_at, row.provider_id, row.last_error = "sent", now, provider_id, None
    elif isinstance(failure, Transient) and attempt < MAX_TRIES:
        row.last_error = failure.reason
        row.due_at, row.state = _again(row, failure, attempt, now)
        if row.state == "dropped":
            row.last_error = _too_late(failure.reason)
    else:
        unsure = "perhaps_sent:" if isinstance(failure, Unsure) else ""
        row.state, row.last_error = "failed", unsure + failure.reason
    return row.state


def _again(row: Message, failure: Transient, attempt: int, now: datetime) -> tuple[datetime, str]:
    """When to try next: 30 s, doubled each time or as the provider asks; a last try before it is stale."""
    wait = max(FIRST_WAIT * 2 ** (attempt - 1), timedelta(seconds=failure.retry_after_s or 0))
    last_try = row.stale_at - FIRST_WAIT if row.stale_at else now + wait
    if last_try <= now + timedelta(seconds=failure.retry_after_s or 0):
        return now, "dropped"
    return min(now + wait, last_try), "waiting"


def _too_late(error: str | None) -> str:
    return f"stale:{error}" if error else "stale"


def resend(
    sessions: Sessions, org_path: str, message_id: int, *, by: int, now: datetime | None = None
) -> int:
    """Sends a settled message once more, as a new one whose id it returns.

    Raises Missing outside the tree, MessageWaiting while one of its kind is under way.
    """
    with sessions.begin() as session:
        now = clock.read(session, now)
        row = session.scalars(
            select(Message)
            .join(Organisation, Organisation.id == Message.org_id)
            .where(Message.id == message_id, Organisation.path.startswith(org_path, autoescape=True))
        ).one_or_none()
        if row is None:
            raise Missing("no such message")
        first = row.once.partition(REPEAT)[0]
        # Everybody who repeats this message waits here for the others: two clicks are one more text, not two.
        session.execute(select(Message.id).where(Message.once == first).with_for_update())
        repeats = session.scalars(
            select(Message.state).where(Message.once.startswith(first + REPEAT, autoescape=True))
        ).all()
        if row.state == "waiting" or "waiting" in repeats:
            raise MessageWaiting("it is still being sent")
        copy = _copy(row, f"{first}{REPEAT}{len(repeats) + 1}", now)
        if row.channel != "webhook":
            life = rules.value(session, row.org_id, "message_stale_min", 30)
            copy.stale_at = now + timedelta(minutes=int(life))
        session.add(copy)
        session.flush()
        audit.append(session, by, "message.resent", "message", row.id, now=now, as_id=str(copy.id))
        return copy.id


def _copy(row: Message, once: str, now: datetime) -> Message:
    same = ("org_id", "claim_id", "audience", "channel", "address", "template", "values", "text", "lang")
    return Message(
        once=once,
        created_at=now,
        due_at=now,
        stale_at=now + webhook.LIFE,
        **{name: getattr(row, name) for name in same},
    )
