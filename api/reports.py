"""Figures: the legs of a claim's life, and how each surveyor works; as JSON and as CSV."""

import csv
import io
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Literal

from flask import Response, g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import present
from api.door import Door, Strict, Text, roles
from core import clock
from core.errors import Invalid
from dispatch import foretold, foretold_queries, reports

bp = Door("reports", tag="Reports")

READERS = ("supervisor", "dispatcher", "admin")
LONGEST = timedelta(days=400)
USUAL = timedelta(days=7)
# A bare date in a query is the supervisor's day.
SHANGHAI = timezone(timedelta(hours=8))
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

LEG_WORDS = {
    "report_offer": ("报案→首次派单", "Report to first offer"),
    "report_accept": ("报案→接单", "Report to acceptance"),
    "report_contact": ("报案→联系客户", "Report to contact"),
    "contact_arrival": ("联系→到达", "Contact to arrival"),
    "report_arrival": ("报案→到达", "Report to arrival"),
    "arrival_submit": ("到达→提交查勘", "Arrival to survey handed in"),
    "submit_approve": ("提交→审核通过", "Handed in to approval"),
    "report_approve": ("报案→审核通过", "Report to approval"),
}
LEG_COLUMNS = {
    "leg": ("环节", "leg"), "group": ("分组", "group"), "count": ("件数", "count"), "p50_s": ("P50（秒）", "P50 (s)"),
    "p90_s": ("P90（秒）", "P90 (s)"), "p99_s": ("P99（秒）", "P99 (s)"), "judged": ("考核件数", "judged"),
    "kept": ("达标件数", "kept"), "kept_pct": ("达标率（%）", "kept (%)"), "excused": ("免责件数", "excused"),
}  # fmt: skip
PEOPLE_COLUMNS = {
    "name": ("查勘员", "surveyor"), "org": ("机构", "organisation"), "offers": ("派单", "offers"),
    "accepted": ("接单", "accepted"), "declined": ("拒单", "declined"), "expired": ("超时未接", "expired"),
    "unreached": ("未送达", "not reached"),
    "accepted_pct": ("接单率（%）", "accepted (%)"), "answer_p50_s": ("应答中位数（秒）", "answer P50 (s)"),
    "jobs": ("任务", "jobs"), "completed": ("完成", "completed"),
    "contact_kept_pct": ("联系及时率（%）", "contact in time (%)"),
    "arrival_kept_pct": ("到达及时率（%）", "arrival in time (%)"), "photos": ("照片", "photos"),
    "photos_returned_pct": ("照片退回率（%）", "photos sent back (%)"), "ratings": ("评价数", "ratings"),
    "rating_avg": ("平均评分", "average rating"),
}  # fmt: skip


class Period(Strict):
    """From (inclusive) to (exclusive): RFC 3339 times, or dates meaning whole days in China. Default: the last week."""

    from_: Text | None = Field(None, alias="from", examples=["2026-11-15"])
    to: Text | None = Field(None, examples=["2026-11-22T00:00:00Z"])
    lang: Text = "zh-CN"


class LegQuery(Period):
    """The period and the way to group."""

    by: Literal["", "area", "day", "hour", "line", "organisation"] = ""


def moment(path: str, value: str, *, end: bool) -> datetime:
    """A time of a query; a bare date is the start of that day in China, as an end the start of the next."""
    try:
        if len(value) == 10:
            day = date.fromisoformat(value)
            at = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + timedelta(days=int(end))
        else:
            at = datetime.fromisoformat(value)
    except (ValueError, OverflowError) as error:
        raise Invalid.field(path, "a date, or a time with its offset as in RFC 3339") from error
    if at.tzinfo is None:
        raise Invalid.field(path, "a time needs its offset, as in 2026-11-22T08:00:00Z")
    if not EARLIEST <= at <= LATEST:
        raise Invalid.field(path, "between the years 2000 and 2100")
    return at.astimezone(UTC)


def period(query: Period, now: datetime) -> tuple[datetime, datetime]:
    """The half-open period asked for. Raises Invalid when it is empty, backwards, or longer than 400 days."""
    end = moment("to", query.to, end=True) if query.to else now
    start = moment("from", query.from_, end=False) if query.from_ else end - USUAL
    if start >= end:
        raise Invalid.field("to", "later than from")
    if end - start > LONGEST:
        raise Invalid.field("to", "at most 400 days after from")
    return start, end


def safe(cell: Any) -> Any:
    """A cell no spreadsheet will run: a text that starts like a formula gets an apostrophe in front."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return "'" + cell
    return "" if cell is None else cell


def csv_answer(
    name: str, columns: dict[str, tuple[str, str]], rows: list[dict[str, Any]], lang: str
) -> Response:
    """A CSV file Excel opens rightly: UTF-8 with a mark, CRLF, headings in the reader's language."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([titles[lang == "en"] for titles in columns.values()])
    writer.writerows([[safe(row[column]) for column in columns] for row in rows])
    answer = Response("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _legs(query: LegQuery) -> tuple[reports.Legs, datetime, datetime]:
    with g.sessions.begin() as session:
        start, end = period(query, clock.read(session))
        return reports.legs(session, g.actor.org_path, start, end, query.by), start, end


@bp.get("/reports/legs")
@roles(*READERS)
def legs(query: LegQuery) -> ResponseReturnValue:
    """P50, P90, P99 and kept promises per leg, in all (`totals`) and by group (`legs`)."""
    found, start, end = _legs(query)
    return {
        "legs": [asdict(leg) for leg in found.groups],
        "totals": [asdict(leg) for leg in found.totals],
        "by": query.by or None,
        "from": present.time(start),
        "to": present.time(end),
    }


@bp.get("/reports/legs.csv")
@roles(*READERS)
def legs_csv(query: LegQuery) -> ResponseReturnValue:
    """The same as a CSV file."""
    found, _, _ = _legs(query)
    rows = [asdict(leg) | {"leg": LEG_WORDS[leg.leg][query.lang == "en"]} for leg in found.groups]
    return csv_answer("legs", LEG_COLUMNS, rows, query.lang)


def _people(query: Period) -> tuple[list[dict[str, Any]], datetime, datetime]:
    with g.sessions.begin() as session:
        start, end = period(query, clock.read(session))
        return reports.people(session, g.actor.org_path, start, end), start, end


@bp.get("/reports/people")
@roles(*READERS)
def people(query: Period) -> ResponseReturnValue:
    """How each surveyor worked: offers, promises, photos sent back, ratings."""
    rows, start, end = _people(query)
    return {"items": rows, "next": None, "from": present.time(start), "to": present.time(end)}


@bp.get("/reports/people.csv")
@roles(*READERS)
def people_csv(query: Period) -> ResponseReturnValue:
    """The same as a CSV file."""
    rows, _, _ = _people(query)
    return csv_answer(
        "people", PEOPLE_COLUMNS, [row | {"org": row["org"]["name"]} for row in rows], query.lang
    )


@bp.get("/reports/forecasts")
@roles(*READERS)
def forecasts(query: Period) -> ResponseReturnValue:
    """What was foretold when surveyors were asked, beside what came of it: observed, nothing simulated.

    `measures`: contact and arrival in time, and the spans that should hold 80 % of arrivals and drives; each with the
    curve of reliability, by age of the position (seconds) and by hour of the day in China.
    """
    with g.sessions.begin() as session:
        now = clock.read(session)
        start, end = period(query, now)
        found = foretold_queries.read(session, g.actor.org_path, start, end, now)
    return {
        "observed": True,
        "asked": found.asked,
        "looked_at": found.looked_at,
        "foretold": len(found.rows),
        "least": foretold.LEAST,
        "measures": [asdict(one) for one in foretold.judge(found.rows)],
        "from": present.time(start),
        "to": present.time(end),
    }
