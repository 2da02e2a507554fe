"""A running site and a real browser for the screens."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from tests import site as sites

# No word about how to draw: as on a desk without a graphics card, the map is drawn by SwiftShader, the page in plain software.
FLAGS = [
    "--no-sandbox", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@pytest.fixture(scope="package")
def running_site(tmp_path_factory, database_url, redis_url) -> Iterator[sites.Site]:
    """The processes, once for all screens of this test process and no longer."""
    site = sites.build(tmp_path_factory.mktemp("site"), database_url, redis_url)
    try:
        yield sites.start_all(site)
    finally:
        site.stop()


@pytest.fixture
def site(running_site, sessions, redis_url) -> Iterator[sites.Site]:
    """The running site over empty tables. `sessions` arranges rows behind it."""
    yield running_site
    client = Redis.from_url(redis_url)
    client.flushdb()
    client.close()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Debian's Chromium; Playwright's own download is never used."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHAKAN_CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.exit("no Chromium: run the tests with ./chakan test, or set CHAKAN_CHROMIUM", returncode=2)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium, site) -> Iterator[Callable[..., Any]]:
    """`browser(phone=True)` opens a fresh context with its own cookies and storage at the site's address."""
    contexts = []

    def open_context(*, phone: bool = False, **given: Any) -> Any:
        context = chromium.new_context(
            base_url=given.pop("base_url", site.url),
            viewport=given.pop("viewport", PHONE if phone else DESK),
            is_mobile=phone,
            has_touch=phone,
            locale=given.pop("locale", "zh-CN"),
            timezone_id="Asia/Shanghai",
            permissions=["geolocation"],
            geolocation=given.pop("geolocation", {"longitude": 116.40, "latitude": 39.91, "accuracy": 10}),
            **given,
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context

    yield open_context
    for context in contexts:
        context.close()
