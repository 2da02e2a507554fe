"""通赔: the branch where the loss happened surveys; the insuring branch sees the case and dispatches nothing of it."""

import pytest

from claims.models import Claim
from dispatch import sweep
from dispatch.models import Offer
from staff import organisations
from tests import factories
from tests.http.test_claims_api import opened


@pytest.fixture
def branches(session):
    """The insuring branch, the one where the loss happens with its area, and a third."""
    factories.default_organisation(session)
    insuring, there, third = (factories.organisation(session) for _ in range(3))
    factories.area(session, org=there)
    session.commit()
    return insuring, there, third


@pytest.fixture
def case(session, branches, as_):
    """A claim taken by a seat of the insuring branch, the loss in the other one's area."""
    seat = as_("seat", org=branches[0])
    return seat, session.get_one(Claim, int(opened(seat)["id"]))


def test_the_branch_where_it_happened_surveys_and_who_took_it_insures(session, sessions, branches, case):
    insuring, there, _ = branches
    seat, claim = case
    assert (claim.org_id, claim.insurer_id) == (there.id, insuring.id)
    near = factories.surveyor(session, org=there)
    factories.surveyor(session, org=insuring)
    session.commit()
    sweep.tick(sessions)
    assert session.query(Offer).one().surveyor_id == near.id
    shown = seat.get(f"/claims/{claim.id}").json
    assert (shown["org"]["id"], shown["insuring_org"]["id"]) == (str(there.id), str(insuring.id))


def test_both_branches_see_it_and_the_third_does_not(branches, case, as_):
    insuring, there, third = branches
    _, claim = case
    for org, status in ((insuring, 200), (there, 200), (third, 404)):
        client = as_("dispatcher", org=org)
        assert client.get(f"/claims/{claim.id}").status_code == status
        assert client.get(f"/claims/{claim.id}/timeline").status_code == status
        if status == 200:  # so that no screen shows the insurer buttons that would always be refused
            assert client.get(f"/claims/{claim.id}").json["dispatched_here"] == (org is there)
        listed = [row["id"] for row in client.get("/claims").json["items"]]
        assert (str(claim.id) in listed) == (status == 200)


def test_only_the_surveying_branch_decides_who_goes(session, branches, case, as_):
    insuring, there, third = branches
    seat, claim = case
    who = factories.surveyor(session, org=there)
    session.commit()
    body = {"surveyor_id": str(who.id), "reason": "近"}
    for org, status in ((insuring, 403), (third, 404)):
        refused = as_("dispatcher", org=org).post(f"/claims/{claim.id}/assign", json=body)
        assert refused.status_code == status, refused.json
    refused = as_("dispatcher", org=insuring).post(f"/claims/{claim.id}/redispatch", json={"reason": "快"})
    assert (refused.status_code, refused.json["code"]) == (403, "not_surveying")
    assert as_("dispatcher", org=there).post(f"/claims/{claim.id}/assign", json=body).status_code == 200
    # What the insured says goes on being taken down by who insures him.
    assert seat.patch(f"/claims/{claim.id}", json={"policy_no": "P2"}).status_code == 200


def test_a_head_office_names_who_insures_but_nobody_elses_organisation(session, branches, as_):
    insuring, there, _ = branches
    rival = organisations.add(session, None, "head", "RIVAL", "别家")
    session.commit()
    seat = as_("seat")
    claim = session.get_one(Claim, int(opened(seat, insuring_org_id=str(insuring.id))["id"]))
    assert (claim.org_id, claim.insurer_id) == (there.id, insuring.id)
    from tests.http.test_claims_api import report

    refused = seat.post("/claims", json=report(insuring_org_id=str(rival.id)), idem=True)
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "insuring_org_id"


def test_without_the_rule_it_stays_with_who_took_it(session, branches, as_):
    insuring = branches[0]
    admin = as_("admin", org=insuring)
    assert admin.put("/settings/nationwide_claims", json={"value": False}).status_code == 200
    claim = session.get_one(Claim, int(opened(as_("seat", org=insuring))["id"]))
    assert (claim.org_id, claim.insurer_id) == (insuring.id, None)
