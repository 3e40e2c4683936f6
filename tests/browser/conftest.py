"""Chromium and a server for each module; without them the browser tests are skipped, aloud."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browser.server import Server
from tests.browser.widget import Widget

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

CHROMIUM = os.environ.get("CHATSTREAM_TEST_CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
QUIET = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP *.test 127.0.0.1",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs Chromium."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module: Playwright's loop must not outlive it, others run their own."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium; `make setup` or CHATSTREAM_TEST_CHROMIUM names one")
    # How long something may be missing, not how long it takes: CI's cores are shared by servers and browsers.
    api.expect.set_options(timeout=20_000)
    # Chromium's sandbox refuses to run as root.
    arguments = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for a module: each test is a visitor of its own."""
    with Server(
        tmp_path_factory.mktemp("server"), HEARTBEAT=1, RATE_LIMIT=0, HOSTS="plain.test"
    ) as server:
        yield server


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of the test's own."""
    context = browser.new_context(viewport={"width": 480, "height": 760}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def widget(context: BrowserContext, server: Server) -> Widget:
    """The full page of the server, loaded and connected."""
    return Widget(context.new_page(), server).load()


@pytest.fixture
def axe() -> str:
    """The source of axe-core."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: `npm ci` in web/ does it")
    return AXE.read_text()
