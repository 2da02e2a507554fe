"""What was sent to whom, what became of it, and sending it again."""

from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import parts, present
from api.door import Door, IdText, Page, Strict, Text, id_of, roles
from notify import message, queries, service
from notify.templates import LANGS, TEMPLATES
from staff import rules

bp = Door("messages", tag="Messages")

READERS = ("dispatcher", "supervisor", "admin")


class Wanted(Page):
    """The query of the message list."""

    claim_id: IdText | None = None
    state: Text = Field("", description="waiting, sent, failed or dropped")
    channel: Text = Field("", description="sms, chat, mail or webhook")
    audience: Text = Field("", description="customer, surveyor, dispatcher, branch_head or system")
    template: Text = ""


class MessagePath(Strict):
    """An id in the path."""

    message_id: int = Field(ge=1, lt=2**63)


def show(row: Any) -> dict[str, Any]:
    """A line of the list, its address masked."""
    return {
        "id": str(row.id),
        "claim_id": present.ident(row.claim_id),
        "report_no": row.report_no,
        "audience": row.audience,
        "channel": row.channel,
        "address": message.masked(row.address),
        "template": row.template,
        "text": row.text,
        "lang": row.lang,
        "pieces": message.pieces(row.text) if row.channel == "sms" else None,
        "state": row.state,
        "attempts": row.attempts,
        "created_at": present.time(row.created_at),
        "due_at": present.time(row.due_at),
        "stale_at": present.time(row.stale_at),
        "sent_at": present.time(row.sent_at),
        "driver": row.driver,
        "provider_id": row.provider_id,
        "last_error": row.last_error,
    }


@bp.get("/messages")
@roles(*READERS)
def messages(query: Wanted) -> ResponseReturnValue:
    """Messages of one's own part of the tree, newest first."""
    wanted = query.model_dump(exclude={"limit", "after", "claim_id"})
    with g.sessions.begin() as session:
        rows = queries.messages(
            session,
            g.actor.org_path,
            limit=query.limit,
            after=query.after_id,
            claim_id=id_of(query.claim_id) if query.claim_id else 0,
            **wanted,
        )
    return present.items(rows, show, query.limit)


@bp.post("/messages/<int:message_id>/resend")
@roles("dispatcher", "admin")
def resend(path: MessagePath) -> ResponseReturnValue:
    """Sends a settled message once more, as a new one; audited. It leaves within two seconds."""
    new_id = service.resend(g.sessions, g.actor.org_path, path.message_id, by=g.actor.person_id)
    return {"id": str(new_id)}, 201


@bp.get("/messages/templates")
@roles(*READERS)
def templates() -> ResponseReturnValue:
    """Every text as it is filed with the carrier: signature and address filled in, variables left open."""
    with g.sessions.begin() as session:
        signature = rules.value(session, g.actor.org_id, "sms_signature", "查勘")
    base = parts().settings.public_url.rstrip("/")
    return {"signature": signature, "items": [_filed(code, base) for code in TEMPLATES], "next": None}


def _filed(code: str, base: str) -> dict[str, Any]:
    template = TEMPLATES[code]
    texts = {lang: template.text(lang).replace("{base}", base) for lang in LANGS}
    return {"code": code, "texts": texts, "variables": sorted(template.variables("zh-CN") - {"base"})}
