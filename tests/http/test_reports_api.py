"""The figures through the door: shapes, scopes, periods, CSV that no spreadsheet runs."""

import csv
import io
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from core import clock
from dispatch.models import Decision
from tests import factories, rows
from tests.db.test_reports import story


@pytest.fixture
def yesterday(session):
    return clock.read(session) - timedelta(days=1)


def table(answer):
    """The rows of a CSV answer."""
    assert answer.status_code == 200 and answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbf"), "Excel needs the mark to read UTF-8"
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_legs_are_given_in_all_and_by_area(as_, session, yesterday):
    area = factories.area(session, name="滨湖区")
    story(session, at=yesterday, area_id=area.id)
    session.commit()
    answer = as_("supervisor").get("/reports/legs?by=area")
    assert answer.status_code == 200
    contact = next(leg for leg in answer.json["legs"] if leg["leg"] == "report_contact")
    assert contact == {
        "leg": "report_contact", "group": "滨湖区", "count": 1, "p50_s": 360, "p90_s": 360, "p99_s": 360,
        "judged": 1, "kept": 1, "kept_pct": 100.0, "excused": 0,
    }  # fmt: skip
    assert len(answer.json["totals"]) == 8 and answer.json["from"] < answer.json["to"]


def test_without_a_group_the_legs_are_the_totals(as_, session, yesterday):
    story(session, at=yesterday)
    session.commit()
    answer = as_("supervisor").get("/reports/legs").json
    assert answer["legs"] == answer["totals"] and {leg["group"] for leg in answer["legs"]} == {None}


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_legs_come_as_csv_in_the_readers_language(as_, session, yesterday, lang):
    story(session, at=yesterday)
    session.commit()
    head, *lines = table(as_("supervisor").get(f"/reports/legs.csv?lang={lang}"))
    assert head[0] == ("leg" if lang == "en" else "环节") and len(lines) == 8
    assert (
        lines[2][0] == ("Report to contact" if lang == "en" else "报案→联系客户") and lines[2][3] == "360.0"
    )


def test_a_name_that_is_a_formula_is_defused_in_csv(as_, session):
    factories.surveyor(session, name="=HYPERLINK(1)")
    session.commit()
    head, *lines = table(as_("supervisor").get("/reports/people.csv"))
    assert lines[0][0] == "'=HYPERLINK(1)" and len(head) == len(lines[0])


def test_an_area_that_is_a_formula_is_defused_in_csv(as_, session, yesterday):
    area = factories.area(session, name="@SUM(A1)")
    story(session, at=yesterday, area_id=area.id)
    session.commit()
    _, *lines = table(as_("supervisor").get("/reports/legs.csv?by=area"))
    assert {line[1] for line in lines} == {"'@SUM(A1)"}


def test_people_are_those_of_ones_own_branch(as_, session):
    branch = factories.organisation(session, parent=factories.default_organisation(session))
    mine = factories.surveyor(session, org=branch)
    factories.surveyor(session)
    session.commit()
    answer = as_("supervisor", org=branch).get("/reports/people").json
    assert [row["id"] for row in answer["items"]] == [str(mine.id)]


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-11-22&to=2026-11-01",
        "from=x",
        "to=2026-11-22T00:00:00",
        "by=plate",
        "from=1990-01-01",
        "x=1",
    ],
)
def test_a_period_or_group_that_makes_no_sense_is_refused(as_, query):
    for path in ("/reports/legs", "/reports/legs.csv"):
        answer = as_("supervisor").get(f"{path}?{query}")
        assert (answer.status_code, answer.json["code"]) == (422, "invalid")


@pytest.mark.parametrize("role", ["seat", "surveyor", "adjuster", "integration"])
def test_figures_are_for_those_who_answer_for_them(as_, role):
    assert as_(role).get("/reports/people").status_code == 403


@pytest.mark.usefixtures("bare")
def test_the_figures_of_ten_thousand_claims_are_quick_on_the_day_a_system_is_filled(as_, session, yesterday):
    org = factories.default_organisation(session)
    surveyor = factories.surveyor(session)
    session.execute(text("ANALYZE"))  # the planner now believes that every table is empty
    rows.many_claims(session, org.id, surveyor.id, yesterday, 10_000)
    session.commit()
    client = as_("supervisor")
    begun = time.perf_counter()
    assert client.get("/reports/legs?by=hour").json["totals"][2]["count"] == 10_000
    assert client.get("/reports/people").json["items"][0]["jobs"] == 10_000
    # About two seconds here; a plan that reads whole tables takes over half a minute.
    assert time.perf_counter() - begun < 15


def test_forecasts_say_that_they_are_observed_and_how_few_they_are(as_):
    found = as_("supervisor").get("/reports/forecasts").json
    assert (found["observed"], found["asked"], found["looked_at"], found["foretold"]) == (True, 0, 0, 0)
    assert [(m["measure"], m["verdict"]) for m in found["measures"]] == [
        ("contact", "too_few"), ("arrive", "too_few"), ("arrival", "too_few"), ("drive", "too_few"),
    ]  # fmt: skip
    assert found["least"] > 1 and found["from"] < found["to"]


def test_forecasts_come_by_probability_age_and_hour(as_, session, yesterday):
    for k in range(30):
        surveyor = factories.surveyor(session)
        claim = rows.claim(session, yesterday)
        task = rows.task(session, claim)
        line = {"surveyor_id": str(surveyor.id), "outcome": "chosen", "eta_s": 300, "soonest_s": 300, "age_s": k,
                "eta_low_s": 200, "eta_mid_s": 300, "eta_high_s": 500, "contact_p": 0.95, "arrive_p": None}  # fmt: skip
        made = Decision(
            task_id=task.id,
            at=yesterday,
            kind="auto",
            provider="roads",
            chosen_id=surveyor.id,
            candidates=[line],
        )
        session.add(made)
        session.flush()
        rows.offer(session, task, surveyor.id, yesterday, state="declined", decision_id=made.id)
        rows.clock_of(session, claim, "contact", 10)
    session.commit()
    contact, arrive, *_ = as_("supervisor").get("/reports/forecasts").json["measures"]
    assert (contact["count"], contact["verdict"], arrive["verdict"]) == (30, "too_sure", "too_few")
    assert contact["whole"]["came_true"] == 0 and contact["whole"]["low"] == 0
    assert [part["count"] for part in contact["by_age"]] == [15, 15]
    assert sum(part["count"] for part in contact["by_hour"]) == 30


@pytest.mark.parametrize("role", ["seat", "surveyor", "adjuster", "integration"])
def test_forecasts_are_not_for_everybody(as_, role):
    assert as_(role).get("/reports/forecasts").status_code == 403
