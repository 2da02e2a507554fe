"""Messages not yet written down, and what their composers work with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import phonenumbers
from sqlalchemy.orm import Session

from notify import queries
from notify.policy import DEFAULTS
from notify.queries import ClaimFacts, PersonFacts
from staff import rules


@dataclass(frozen=True)
class Draft:
    """A message not yet written down. `fact_id` makes it unique: one action, one message a person.

    `at` is when the thing happened: a text is stale by that, not by when a worker came round to it.
    """

    audience: str
    channel: str
    address: str
    template: str
    fact_id: int | str
    at: datetime
    lang: str = "zh-CN"
    values: dict[str, Any] = field(default_factory=dict)
    stale_at: datetime | None = None
    impossible: str | None = None

    @property
    def once(self) -> str:
        """The key that makes a repeat silent."""
        return f"{self.template}:{self.fact_id}:{self.audience}:{self.channel}:{self.address}"


@dataclass(frozen=True)
class Telling:
    """What a composer works with: the claim, the organisation's choices, the desk's chat rooms, the time."""

    session: Session
    claim: ClaimFacts
    rules: dict[str, Any]
    chats: tuple[str, ...]
    now: datetime

    def place(self, lang: str) -> str:
        """Where it happened, in words: a template may not stay unfilled."""
        return self.claim.place or ("place unknown" if lang == "en" else "待确认")

    def to_customer(self, template: str, fact_id: int, at: datetime, **values: Any) -> Draft:
        """A text to whoever reported the loss."""
        lang = str(self.rules["customer_lang"])
        given = {"report_no": self.claim.report_no, "slug": self.claim.slug} | values
        phone = self.claim.reporter_phone
        return Draft(
            "customer",
            "sms",
            phone,
            template,
            fact_id,
            at,
            lang,
            given,
            impossible=None if mobile(phone) else "not_a_mobile",
        )

    def to_person(
        self,
        person: PersonFacts | None,
        audience: str,
        template: str,
        fact_id: int,
        at: datetime,
        **values: Any,
    ) -> list[Draft]:
        """A text to one of us; nothing when no mobile number is known: the phone page shows it anyway."""
        if person is None or not person.phone or not mobile(person.phone):
            return []
        given = {"report_no": self.claim.report_no} | values
        return [Draft(audience, "sms", person.phone, template, fact_id, at, person.lang, given)]

    def to_desk(
        self, template: str, fact_id: int | str, at: datetime, values: Callable[[str], dict[str, Any]]
    ) -> list[Draft]:
        """Every chat room of the desk, and a mail to each dispatcher of the nearest organisation with one."""
        number = {"report_no": self.claim.report_no}
        drafts = [
            Draft("dispatcher", "chat", room, template, fact_id, at, "zh-CN", number | values("zh-CN"))
            for room in self.chats
        ]
        for person in queries.nearest_with_role(self.session, "dispatcher", self.claim.org_path):
            if person.email:
                given = number | values(person.lang)
                drafts.append(
                    Draft("dispatcher", "mail", person.email, template, fact_id, at, person.lang, given)
                )
        return drafts


def mobile(phone: str) -> bool:
    """Whether a text can reach the number: E.164 and not a land line or service number."""
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return False
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return phonenumbers.number_type(number) in kinds


def minutes_until(due_at: datetime, now: datetime) -> int:
    """Whole minutes left, rounded up; 0 when it is past."""
    return max(0, -(-int((due_at - now).total_seconds()) // 60))


def rules_of(session: Session, org_id: int) -> dict[str, Any]:
    """An organisation's choices about messages."""
    return rules.values(session, org_id, DEFAULTS)


def telling(session: Session, claim: ClaimFacts, chats: tuple[str, ...], now: datetime) -> Telling:
    """Gathers what a composer needs."""
    return Telling(session, claim, rules_of(session, claim.org_id), chats, now)
