"""What the rules of the lab share: invented cities, each of which takes more than a second to lay out."""

from collections.abc import Callable
from functools import cache

import pytest

from lab import city as lab_city
from lab.citymap import City


@pytest.fixture(scope="session")
def city_of() -> Callable[[int], City]:
    """The city of a seed, laid out once a test process; nobody changes it."""
    return cache(lab_city.generate)


@pytest.fixture(scope="session")
def city(city_of: Callable[[int], City]) -> City:
    """The first of them."""
    return city_of(1)
