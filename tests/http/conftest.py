"""What tests of the door share."""

import pytest
from redis import Redis


@pytest.fixture
def feed(redis_url):
    """An emptied Redis for the feeds of the live stream and the bell."""
    client = Redis.from_url(redis_url, decode_responses=True)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()
