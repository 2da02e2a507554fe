"""Addresses people type: a wrong one is answered by a page, never by JSON."""

import pytest

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def visitor(app):
    return app.test_client()


@pytest.mark.parametrize("typed", ["/desk/", "/Desk", "/phone/", "/review/"])
def test_a_slash_or_a_capital_too_many_still_leads_to_the_page(visitor, typed):
    answer = visitor.get(typed, headers=BROWSER, buffered=True)
    assert (answer.status_code, answer.headers["Location"]) == (302, typed.rstrip("/").lower())


def test_an_address_that_is_none_shows_the_front_door_to_a_person(visitor):
    answer = visitor.get("/nothing/here", headers=BROWSER, buffered=True)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "Content-Security-Policy" in answer.headers


def test_a_customers_link_cut_off_by_his_messenger_shows_the_customers_page(visitor):
    answer = visitor.get("/t", headers=BROWSER, follow_redirects=True, buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


@pytest.mark.parametrize("accept", [BROWSER, {"Accept": "application/json"}, {"Accept": "*/*"}])
def test_a_program_under_api_is_still_answered_in_json(visitor, accept):
    answer = visitor.get("/api/v1/nothing", headers=accept)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_program_elsewhere_is_answered_in_json_too(visitor):
    answer = visitor.get("/nothing", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
