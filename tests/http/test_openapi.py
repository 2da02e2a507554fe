"""The OpenAPI document is valid and every operation survives generated requests without a 5xx."""

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate

from tests import factories

# Of each operation; half the time goes into generating, half into answering. CHAKAN_FUZZ sets those of the long form.
FEW, MANY = 2, int(os.environ.get("CHAKAN_FUZZ", "40"))


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(context, value):
    """The body of a tus PATCH is bytes."""
    return value if isinstance(value, bytes) else str(value).encode()


def test_the_document_is_valid_and_names_every_path_of_the_contract(as_):
    document = as_("admin").get("/openapi.json").json
    validate(document)
    paths = set(document["paths"])
    contract = {
        "/api/v1/claims", "/api/v1/claims/{claim_id}", "/api/v1/claims/{claim_id}/timeline",
        "/api/v1/claims/{claim_id}/assign", "/api/v1/claims/{claim_id}/decision", "/api/v1/devices/pair", "/api/v1/me",
        "/api/v1/me/jobs", "/api/v1/offers/{offer_id}/accept", "/api/v1/tasks/{task_id}/contact", "/api/v1/positions",
        "/api/v1/ingest/owntracks", "/api/v1/ingest/traccar", "/api/v1/ingest/overland", "/api/v1/nearest",
        "/api/v1/uploads", "/api/v1/review/queue", "/api/v1/photos/{photo_id}/send_back",
        "/api/v1/claims/{claim_id}/assessment", "/api/v1/live", "/api/v1/me/bell",
        "/api/v1/reports/legs",
    }  # fmt: skip
    assert contract - paths == set()


@pytest.mark.timeout(240)
def test_generated_requests_never_break_the_server(app, sessions, as_, as_device):
    attack_all(app, sessions, as_, as_device, FEW)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_generated_requests_never_break_the_server(app, sessions, as_, as_device):
    attack_all(app, sessions, as_, as_device, MANY)


def attack_all(app, sessions, as_, as_device, examples):
    """Every operation of the document, but for the two streams."""
    with sessions.begin() as session:
        factories.area(session)
        surveyor = factories.surveyor(session)
    tokens = [
        as_("admin", "dispatcher", "seat", "adjuster", "supervisor", "integration").token,
        as_device(surveyor).token,
    ]
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    broken: list[str] = []
    seen = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in ("/api/v1/live", "/api/v1/me/bell") or "/api/v1/openapi" in operation.path:
            continue
        seen += 1

        attack_with(operation, tokens, broken, examples)
    assert seen > 40
    assert broken == []


def attack_with(operation, tokens, broken, examples):
    """Sends generated cases of one operation, as the desk and as a phone."""

    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def attack(case):
        for token in tokens:
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": os.urandom(8).hex()}
            answer = case.call(headers=headers)
            if answer.status_code >= 500 and answer.status_code not in (503, 507):
                broken.append(
                    f"{operation.method.upper()} {operation.path} {answer.status_code} {case.body!r:.300}"
                )

    attack()
