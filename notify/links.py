"""The customer's page: its unguessable address, how long it opens, and his rating."""

import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock, outbox
from notify.errors import AlreadyRated, LinkExpired, NoSuchLink
from notify.models import CustomerLink, Rating
from staff import rules

# 128 bits: nobody walks into somebody else's claim by trying.
SLUG_BYTES = 16
SLUG = re.compile(r"[A-Za-z0-9_-]{1,40}")
# A claim nobody ever closes still locks its page one day.
LONGEST_OPEN = timedelta(days=400)

CLAIM_END = """
SELECT org_id,
       CASE WHEN state IN ('approved', 'closed', 'withdrawn') THEN COALESCE(closed_at, :now) END AS over_at
  FROM claim
 WHERE id = :claim_id
"""


def keep(session: Session, claim_id: int, now: datetime) -> str | None:
    """Makes the page of a claim, or sets its end once the claim is closed; returns its slug."""
    claim = session.execute(text(CLAIM_END), {"claim_id": claim_id, "now": now}).one_or_none()
    if claim is None:
        return None
    end = now + LONGEST_OPEN
    if claim.over_at is not None:
        end = claim.over_at + timedelta(days=int(rules.value(session, claim.org_id, "link_days", 30)))
    statement = insert(CustomerLink).values(
        slug=secrets.token_urlsafe(SLUG_BYTES), claim_id=claim_id, created_at=now, expires_at=end
    )
    return session.execute(
        statement.on_conflict_do_update(index_elements=["claim_id"], set_={"expires_at": end}).returning(
            CustomerLink.slug
        )
    ).scalar_one()


def slug_of(session: Session, claim_id: int) -> str | None:
    """The slug of a claim's page, if it has one yet."""
    return session.scalar(select(CustomerLink.slug).where(CustomerLink.claim_id == claim_id))


def claim_of(session: Session, slug: str, now: datetime | None = None) -> int:
    """The claim behind a slug. Raises NoSuchLink, or LinkExpired when its time is over."""
    link = session.get(CustomerLink, slug) if SLUG.fullmatch(slug) else None
    if link is None:
        raise NoSuchLink("no such page")
    if link.expires_at <= clock.read(session, now):
        raise LinkExpired("this page has expired")
    return link.claim_id


def rate(session: Session, slug: str, stars: int, comment: str, now: datetime) -> int:
    """Takes the customer's rating, once; returns the claim. Raises NoSuchLink, LinkExpired, AlreadyRated."""
    claim_id = claim_of(session, slug, now)
    statement = insert(Rating).values(claim_id=claim_id, stars=stars, comment=comment, at=now)
    added = session.execute(
        statement.on_conflict_do_nothing(index_elements=["claim_id"]).returning(Rating.claim_id)
    ).scalar_one_or_none()
    if added is None:
        raise AlreadyRated("thank you, you have rated this service already")
    outbox.append(session, "rating.given", claim_id=claim_id)
    return claim_id
