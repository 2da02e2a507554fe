"""What the tests of the database share."""

import pytest

from staff import rules
from tests import factories


@pytest.fixture
def rule(session):
    """`rule(key, value)` sets a rule of the root."""
    root = factories.default_organisation(session)
    admin = factories.person(session, roles=("admin",))

    def change(key, value):
        rules.change(session, root.id, key, value, by=admin.id)
        session.commit()

    return change
