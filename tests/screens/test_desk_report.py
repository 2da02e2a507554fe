"""The seat's screen: a report by keyboard alone, in one sitting, exactly once."""

import pytest

from geo import datum
from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import PASSWORD, sit_down, until


@pytest.fixture
def seat(browser, sessions):
    desk = sit_down(browser, sessions, "seat").open("report")
    desk.sees("#report-phone")
    return desk


def keys(desk, *pressed: str) -> None:
    """Types texts and presses keys (`{F2}`) with no mouse."""
    for one in pressed:
        if one.startswith("{"):
            desk.page.keyboard.press(one.strip("{}"))
        else:
            desk.page.keyboard.type(one)


def test_a_report_is_taken_with_the_keyboard_alone_and_shows_who_is_asked(seat, sessions):
    asked = kit.surveyor(sessions, name="王查勘")
    assert seat.page.evaluate("document.activeElement.id") == "report-phone"
    keys(seat, "13800138000", "{Enter}", "报案人")
    keys(
        seat,
        "{Alt+c}",
        "京A12345",
        "{Alt+l}",
        "长安街与某路口",
        "{Alt+z}",
        f"{factories.LON},{factories.LAT}",
    )
    keys(seat, "{Control+Enter}")
    seat.sees(".after-step.active", "王查勘")
    [claim] = kit.claims_of(sessions)
    assert (claim.reporter_phone, claim.place_text, claim.line) == (
        "+8613800138000",
        "长安街与某路口",
        "motor",
    )
    assert kit.asked(sessions, claim.id) == [asked.id]
    assert claim.call_ended_at >= claim.reported_at
    seat.sees(".after h2", claim.report_no)
    assert not seat.errors


def test_pressing_submit_again_and_again_makes_one_claim(seat, sessions):
    keys(seat, "13800138001", "{Alt+l}", "某路口")
    keys(seat, "{Control+Enter}", "{Control+Enter}", "{Control+Enter}")
    seat.sees(".after")
    assert len(kit.claims_of(sessions)) == 1


def test_an_answer_lost_on_the_way_makes_no_second_claim(seat, sessions):
    keys(seat, "13800138002", "{Alt+l}", "某路口")
    # The server takes the report, but its answer never reaches the desk.
    seat.page.route("**/api/v1/claims", lambda route: (route.fetch(), route.abort()))
    keys(seat, "{Control+Enter}")
    seat.sees(".report-form .banner.error")
    assert until(lambda: len(kit.claims_of(sessions)) == 1)
    seat.page.unroute("**/api/v1/claims")
    keys(seat, "{Control+Enter}")
    seat.sees(".after")
    assert len(kit.claims_of(sessions)) == 1


def test_a_reload_in_the_middle_of_a_call_loses_nothing(seat):
    keys(seat, "13800138003", "{Alt+l}", "桥头")
    seat.page.reload()
    seat.sees("#report-phone")
    assert seat.page.input_value("#report-phone") == "13800138003"
    assert seat.page.input_value(".report-form [accesskey=l]") == "桥头"
    seat.sees(".call")


def test_a_report_without_number_or_place_says_so_and_stays(seat, sessions):
    keys(seat, "{Control+Enter}")
    assert seat.page.locator(".field-error").count() == 2
    until(lambda: seat.page.evaluate("document.activeElement.id") == "report-phone")
    assert kit.claims_of(sessions) == []


def test_a_second_report_with_the_same_number_is_hinted_at_while_typing(seat, sessions):
    with sessions() as session:
        first = factories.claim(session, reporter_phone="13800138004")
    keys(seat, "13800138004")
    seat.sees(".hints a", first.report_no)


def test_a_pasted_gcj02_coordinate_is_kept_as_wgs84(seat, sessions):
    from geo.fix import LonLat

    moved = datum.from_wgs84(LonLat(116.40, 39.91), "gcj02")
    keys(seat, "13800138005", "{Alt+z}", f"{moved.lon:.6f},{moved.lat:.6f}")
    seat.page.select_option(".report-form select:has(option[value=gcj02])", "gcj02")
    keys(seat, "{Control+Enter}")
    seat.sees(".after")
    [claim] = kit.claims_of(sessions)
    with sessions() as session:
        from claims import queries

        place = queries.place_of(session, claim.id)
    assert claim.place_source == "gcj02"
    assert abs(place.lon - 116.40) < 1e-4 and abs(place.lat - 39.91) < 1e-4


def test_the_pin_is_moved_by_arrow_keys_and_ends_in_the_report(seat, sessions):
    keys(seat, "13800138006")
    seat.sees("#report-map canvas")
    keys(seat, "{F2}", "{ArrowRight}", "{Shift+ArrowUp}")
    seat.sees(".maplibregl-marker")
    keys(seat, "{Control+Enter}")
    seat.sees(".after")
    [claim] = kit.claims_of(sessions)
    assert claim.place is not None


def test_n_opens_the_next_report_empty(seat, sessions):
    keys(seat, "13800138007", "{Alt+l}", "某路口", "{Control+Enter}")
    seat.sees(".after")
    keys(seat, "{n}")
    seat.sees("#report-phone")
    assert seat.page.input_value("#report-phone") == ""


SMALL = {"width": 1366, "height": 768}


def in_sight(found) -> bool:
    """Whether the whole of it lies on the screen and nothing lies over its middle."""
    return bool(
        found.evaluate("""e => { const r = e.getBoundingClientRect();
      const over = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
      return r.top >= 0 && r.bottom <= innerHeight && e.contains(over); }""")
    )


def test_on_a_small_screen_a_possible_duplicate_is_seen_without_scrolling(browser, sessions):
    with sessions() as session:
        factories.organisation(
            session, parent=factories.default_organisation(session)
        )  # more than one branch: the form asks which one insures, and grows
        session.commit()
    desk = sit_down(browser, sessions, "seat", viewport=SMALL).open("report")
    with sessions() as session:
        first = factories.claim(session, reporter_phone="13800138014")
    desk.sees("#report-phone")
    keys(desk, "13800138014")
    assert in_sight(desk.sees(".hints a", first.report_no))


def test_on_a_small_screen_a_refusal_is_seen_without_scrolling(browser, sessions):
    desk = sit_down(browser, sessions, "seat", viewport=SMALL).open("report")
    desk.sees("#report-phone")
    keys(desk, "13800138015", "{Alt+l}", "某路口")
    desk.page.route(
        "**/api/v1/claims", lambda route: route.fulfill(status=409, json={"code": "conflict", "status": 409})
    )
    keys(desk, "{Control+Enter}")
    assert in_sight(desk.sees(".report-form .banner.error"))


def test_a_session_that_ends_in_the_middle_of_a_call_asks_for_the_password_and_loses_nothing(seat, sessions):
    keys(seat, "13800138016", "{Alt+l}", "桥头")
    seat.context.clear_cookies()
    keys(seat, "{Control+Enter}")
    seat.sees("dialog.again")
    seat.page.keyboard.press("Escape")
    keys(seat, PASSWORD, "{Enter}")
    seat.loses("dialog.again")
    keys(seat, "{Control+Enter}")
    seat.sees(".after")
    assert [claim.place_text for claim in kit.claims_of(sessions)] == ["桥头"]


def test_a_coordinate_that_is_none_is_not_sent_as_if_there_were_none(seat, sessions):
    sent: list[str] = []
    seat.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    keys(seat, "13800138017", "{Alt+l}", "桥头", "{Alt+z}", "39.91", "{Alt+p}", "{Control+Enter}")
    # The wrong field is where one writes next.
    assert until(lambda: seat.page.evaluate("document.activeElement.placeholder") == "116.40,39.91")
    assert not [url for url in sent if url.endswith("/claims")]


def test_who_signs_out_leaves_no_customer_on_the_screen_for_the_next_one(seat, sessions):
    keys(seat, "13800138018", "{Alt+l}", "桥头")
    seat.press(".account > button")
    seat.press(".account-menu button", "退出登录")
    seat.page.wait_for_url("**/")
    assert seat.page.evaluate("sessionStorage.length") == 0


def test_an_impossible_number_of_injured_is_said_at_its_field(seat):
    keys(seat, "13800138019", "{Alt+l}", "桥头", "{Alt+i}", "5000", "{Control+Enter}")
    assert until(lambda: seat.page.evaluate("document.activeElement.accessKey") == "i")
    seat.sees(".field.wrong .field-error")


def test_after_a_sign_in_in_another_tab_the_first_one_simply_goes_on(seat, sessions):
    keys(seat, "13800138020", "{Alt+l}", "桥头")
    name = seat.page.evaluate("fetch('/api/v1/me').then((r) => r.json()).then((me) => me.person.username)")
    answer = seat.context.request.post("/api/v1/session", data={"username": name, "password": PASSWORD})
    assert answer.status == 200
    keys(seat, "{Control+Enter}")
    seat.sees(".after")
    assert [claim.place_text for claim in kit.claims_of(sessions)] == ["桥头"]


def test_when_somebody_else_signs_in_in_another_tab_nothing_is_done_in_his_name(seat, sessions):
    keys(seat, "13800138021", "{Alt+l}", "桥头")
    other = kit.somebody(sessions, "dispatcher")
    answer = seat.context.request.post(
        "/api/v1/session", data={"username": other.username, "password": PASSWORD}
    )
    assert answer.status == 200
    keys(seat, "{Control+Enter}")
    seat.sees("dialog.again")
    assert kit.claims_of(sessions) == []
    keys(seat, PASSWORD, "{Enter}")
    seat.loses("dialog.again")
    keys(seat, "{Control+Enter}")
    seat.sees(".after")
    assert [claim.created_by == other.id for claim in kit.claims_of(sessions)] == [False]
