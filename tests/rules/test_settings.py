"""Settings name what is missing, hide what is secret, and are all written down."""

from dataclasses import fields
from pathlib import Path

import pytest

from core.errors import BadSettings
from core.settings import Settings, key

GOOD = {
    "CHAKAN_DATABASE_URL": "postgresql+psycopg2://x",
    "CHAKAN_REDIS_URL": "redis://x",
    "CHAKAN_SECRET_KEY": "hush hush",
    "CHAKAN_DATA": "/tmp/x",
}


def test_every_missing_key_is_named():
    with pytest.raises(
        BadSettings, match=r"CHAKAN_DATABASE_URL.*CHAKAN_REDIS_URL.*CHAKAN_SECRET_KEY.*CHAKAN_DATA"
    ):
        Settings.from_env({})


def test_a_number_that_is_none_is_named():
    with pytest.raises(BadSettings, match="CHAKAN_POOL_SIZE"):
        Settings.from_env(GOOD | {"CHAKAN_POOL_SIZE": "many"})


@pytest.mark.parametrize(
    ("given", "secure"),
    [
        ({}, False),
        ({"CHAKAN_PUBLIC_URL": "https://survey.example.com"}, True),
        ({"CHAKAN_PUBLIC_URL": "http://10.0.0.5:8000"}, False),
        ({"CHAKAN_PUBLIC_URL": "https://survey.example.com", "CHAKAN_SECURE_COOKIES": "0"}, False),
    ],
)
def test_behind_tls_the_cookie_is_for_tls_only(given, secure):
    assert Settings.from_env(GOOD | given).secure_cookies is secure


def test_secrets_do_not_show():
    assert "hush" not in repr(Settings.from_env(GOOD))


@pytest.mark.parametrize("field", fields(Settings), ids=lambda f: f.name)
def test_each_setting_is_documented(field):
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert f"`{key(field.name)}`" in page.read_text(encoding="utf-8")
