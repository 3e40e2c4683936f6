"""The chat on other people's pages: a script's ten lines, React, plain http, a policy that forbids all else."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browser.server import Server
from tests.browser.site import Site
from tests.kit.server import SECRET
from tests.kit.tokens import token_for

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

REPOSITORY = Path(__file__).parents[2]
GUIDE = REPOSITORY / "docs/how-to/embed.md"
TEMPLATE = '<!doctype html><html lang="en"><title>A shop</title><body>{body}</body></html>'


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def documented(heading: str, server: Server) -> str:
    """The code under `heading` of the guide, with the address of `server` in it."""
    section = GUIDE.read_text().partition(f"\n## {heading}\n")[2]
    found = re.search(r"```\w+\n(.*?)```", section, re.DOTALL)
    assert found, heading
    return found[1].replace("https://chat.example.com", server.url)


def say(page: Page, words: str) -> None:
    page.get_by_label("Message", exact=True).fill(words)
    page.keyboard.press("Enter")


def test_the_one_tag_of_the_guide_puts_a_chat_on_a_page(
    context: BrowserContext, site: Site, tmp_path: Path
) -> None:
    with Server(tmp_path, ORIGINS=site.url, RATE_LIMIT=0) as server:
        tag = GUIDE.read_text().partition("```html\n")[2].partition("```")[0]
        site.page(TEMPLATE.format(body=tag.replace("https://chat.example.com", server.url)))
        page = context.new_page()
        page.goto(site.url)
        page.get_by_role("button", name="Open chat").click()
        page.get_by_role("button", name="Where is my parcel?").click()
        expect(page.locator("chatstream-answer")).to_have_text("You said: where is my parcel?")


def test_whoever_opened_the_chat_once_hears_of_answers_on_the_next_page_too(
    context: BrowserContext, site: Site, tmp_path: Path
) -> None:
    with Server(tmp_path, ORIGINS=site.url, RATE_LIMIT=0) as server:
        tag = f'<script async src="{server.url}/chatstream/embed.js" data-chatstream></script>'
        site.page(TEMPLATE.format(body=tag))
        page = context.new_page()
        page.goto(site.url)
        expect(page.locator("chatstream-chat")).to_have_count(0)
        page.get_by_role("button", name="Open chat").click()
        say(page, "hello")
        expect(page.locator("chatstream-answer")).to_have_text("You said: hello")
        page.goto(f"{site.url}/?next")
        page.wait_for_function(
            "() => window.ChatStream?.element?.chatElement?.client?.state.status === 'live'"
        )
        page.evaluate("() => { ChatStream.element.chatElement.client.send('from elsewhere'); }")
        page.get_by_role("button", name="Open chat, 1 unread message").click()
        expect(page.locator("chatstream-answer").last).to_have_text("You said: from elsewhere")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Open chat", exact=True)).to_be_focused()


def test_the_full_page_finds_an_api_at_another_place(
    context: BrowserContext, tmp_path: Path
) -> None:
    with Server(tmp_path, PREFIX="/talk/v2", RATE_LIMIT=0) as server:
        page = context.new_page()
        page.goto(server.url)
        say(page, "hello")
        expect(page.locator("chatstream-answer")).to_have_text("You said: hello")


def test_the_ten_lines_of_the_guide_work_with_the_application_s_own_tokens(
    context: BrowserContext, site: Site, tmp_path: Path
) -> None:
    with Server(tmp_path, ORIGINS=site.url, SECRET=SECRET, RATE_LIMIT=0) as server:
        lines = documented("Without a bundler, in ten lines", server)
        assert len(lines.splitlines()) == 10
        site.page(TEMPLATE.format(body=lines))
        site.files["/chat-token"] = ("text/plain", token_for("ada").encode())
        page = context.new_page()
        page.goto(site.url)
        say(page, "hello")
        expect(page.locator("chatstream-answer")).to_have_text("You said: hello")
        server.kill()
        say(page, "are you there?")
        expect(page.get_by_label("Automatic reply while offline")).to_contain_text("0800 123 456")


def test_react_draws_it_hears_of_answers_and_takes_it_away(
    context: BrowserContext, site: Site, tmp_path: Path
) -> None:
    if shutil.which("node") is None or not (REPOSITORY / "web/node_modules/react").exists():
        pytest.skip("node or React is not installed: `npm ci` in web/ does it")
    bundle = tmp_path / "page.js"
    subprocess.run(
        ["node", "scripts/react-page.mjs", str(bundle)], cwd=REPOSITORY / "web", check=True
    )
    site.files["/page.js"] = ("text/javascript", bundle.read_bytes())
    root = '<div id="root"></div><script type="module" src="/page.js"></script>'
    site.page(TEMPLATE.format(body=root))
    with Server(tmp_path, ORIGINS=site.url, RATE_LIMIT=0) as server:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{site.url}/?server={server.url}")
        expect(page.locator("chatstream-chat.chat .title")).to_have_text("In React")
        page.get_by_role("button", name="Hello from React").click()
        expect(page.locator("chatstream-answer")).to_have_text("You said: hello from React")
        expect(page.get_by_role("status").filter(has_text="answers")).to_have_text("1 answers")
        say(page, "again")
        expect(page.get_by_role("status").filter(has_text="answers")).to_have_text("2 answers")
        page.get_by_role("button", name="Show or hide").click()
        expect(page.locator("chatstream-chat")).to_have_count(0)
        page.get_by_role("button", name="Show or hide").click()
        expect(page.locator(".message.user .bubble")).to_have_text(["Hello from React", "again"])
        assert complaints == []


def test_a_page_on_plain_http_lacks_nothing(context: BrowserContext, server: Server) -> None:
    """An intranet page is no secure context: no `randomUUID`, no clipboard, no locks."""
    page = context.new_page()
    page.goto(server.url.replace("127.0.0.1", "plain.test"))
    assert page.evaluate("[isSecureContext, typeof crypto.randomUUID]") == [False, "undefined"]
    say(page, "tell")
    answer = page.locator(".answer")
    expect(answer).to_contain_text("word39")
    answer.hover()
    answer.get_by_role("button", name="Copy").click()
    expect(answer.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_label("Message", exact=True).focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_label("Message", exact=True)).to_have_value(re.compile("^word0 .*word39"))
    page.reload()
    expect(page.locator(".message.user .bubble")).to_have_text(["tell"])


def test_a_name_that_was_bound_to_this_machine_leads_a_browser_nowhere(
    context: BrowserContext, server: Server
) -> None:
    page, rebound = context.new_page(), server.url.replace("127.0.0.1", "rebound.test")
    for path in ("/", "/api/v1/chats", "/chatstream/embed.js"):
        answer = page.goto(f"{rebound}{path}")
        assert answer is not None
        assert answer.status == 421
    assert context.cookies() == []
