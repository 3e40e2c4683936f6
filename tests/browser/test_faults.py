"""What a person sees when the connection, the server, the page or the token goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.browser.agents import WORDS
from tests.browser.server import Server
from tests.browser.widget import Widget
from tests.kit.server import SECRET
from tests.kit.tokens import token_for

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page, Route, WebSocketRoute

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

WHOLE = " ".join(f"word{number}" for number in range(WORDS))
WAITING = "Will be sent when you are back online"


class Wire:
    """Between the page and the server: it can drop what is open and refuse what is new."""

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        self._open: list[WebSocketRoute] = []
        page.route_web_socket("**/chat/ws/chat", self._connect)
        page.route("**/api/v1/**", self._request)

    def drop(self) -> None:
        """Close what is open, as a server that restarts would."""
        for socket in self._open:
            socket.close(code=1012)
        self._open.clear()

    def cut(self) -> None:
        """Drop, and let nothing new through."""
        self.is_cut = True
        self.drop()

    def mend(self) -> None:
        self.is_cut = False

    def _request(self, route: Route) -> None:
        if self.is_cut:
            route.abort()
        else:
            route.continue_()

    def _connect(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close(code=1012)
            return
        socket.connect_to_server()
        self._open.append(socket)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def wire(page: Page) -> Wire:
    return Wire(page)


@pytest.fixture
def widget(page: Page, wire: Wire, server: Server) -> Widget:
    return Widget(page, server).load()


def test_an_answer_that_was_cut_comes_whole_and_once(widget: Widget, wire: Wire) -> None:
    widget.say("tell cut")
    expect(widget.answers).to_contain_text("word20")
    wire.drop()
    widget.server.open_gate("cut")
    expect(widget.answers).to_have_text(WHOLE)
    expect(widget.answers).to_have_count(1)
    expect(widget.bubbles).to_have_count(1)


def test_a_message_typed_while_cut_off_is_kept_and_sent_once(widget: Widget, wire: Wire) -> None:
    widget.say("before")
    expect(widget.answers).to_have_text("You said: before")
    widget.page.evaluate(
        "chat => (chat.offlineReplies = [{words: ['urgent'], reply: 'Call 112.'}])", widget.element
    )
    wire.cut()
    expect(widget.banner).to_contain_text("Connection lost")
    widget.say("urgent question")
    expect(widget.page.get_by_text(WAITING)).to_be_visible()
    canned = widget.page.get_by_label("Automatic reply while offline")
    expect(canned).to_contain_text("Call 112.")
    wire.mend()
    widget.button("Retry now").click()
    expect(widget.answers).to_have_text(["You said: before", "You said: urgent question"])
    expect(widget.bubbles).to_have_text(["before", "urgent question"])
    expect(canned).to_have_count(0)
    expect(widget.banner).to_be_empty()


def test_what_is_said_without_a_network_is_sent_once_when_it_is_back(
    page: Page, context: BrowserContext, server: Server
) -> None:
    """The browser's own word for offline, with the server's answer still out."""
    widget = Widget(page, server).load()
    widget.say("tell network")
    expect(widget.answers).to_contain_text("word20")
    context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    page.evaluate("chat => chat.client.connect()", widget.element)
    server.open_gate("network")
    widget.say("said without a network")
    context.set_offline(False)
    expect(widget.answers).to_have_text([WHOLE, "You said: said without a network"])
    expect(widget.bubbles).to_have_text(["tell network", "said without a network"])


def test_a_page_that_opens_without_a_network_shows_what_was_and_sends_later(
    widget: Widget, wire: Wire, context: BrowserContext
) -> None:
    widget.say("before")
    expect(widget.answers).to_have_count(1)
    widget.page.evaluate(KEPT, "before")
    wire.cut()
    widget.page.evaluate(PRETEND_OFFLINE)
    widget.page.context.add_init_script(PRETEND_OFFLINE)
    widget.page.reload()
    expect(widget.banner).to_contain_text("You are offline. What you write is kept and sent later.")
    expect(widget.bubbles).to_have_text(["before"])
    widget.say("later")
    expect(widget.page.get_by_text(WAITING)).to_be_visible()
    wire.mend()
    widget.button("Retry now").click()
    expect(widget.answers).to_have_text(["You said: before", "You said: later"])


def test_an_unsent_message_outlives_a_reload(widget: Widget, wire: Wire) -> None:
    widget.say("first")
    expect(widget.answers).to_have_count(1)
    wire.cut()
    widget.say("unsent")
    expect(widget.bubbles).to_have_text(["first", "unsent"])
    widget.composer.fill("half a thought")
    widget.page.evaluate(KEPT, "first")
    widget.page.reload()
    expect(widget.bubbles).to_have_text(["first", "unsent"])
    expect(widget.composer).to_have_value("half a thought")
    expect(widget.banner).to_contain_text("You see what was saved on this device.")
    wire.mend()
    widget.button("Retry now").click()
    expect(widget.answers).to_have_text(["You said: first", "You said: unsent"])
    expect(widget.bubbles).to_have_text(["first", "unsent"])


def test_a_blink_of_the_connection_shows_no_banner(widget: Widget, wire: Wire) -> None:
    widget.page.evaluate(WATCH_BANNER, widget.element)
    wire.drop()
    widget.say("still there?")
    expect(widget.answers).to_have_text("You said: still there?")
    assert widget.page.evaluate("window.bannerSeen") is False


def test_the_banner_leaves_room_to_write_at_twice_the_size(widget: Widget, wire: Wire) -> None:
    widget.page.set_viewport_size({"width": 320, "height": 480})
    widget.page.evaluate("() => { document.documentElement.style.fontSize = '32px'; }")
    widget.say("before")
    expect(widget.answers).to_have_count(1)
    wire.cut()
    expect(widget.banner).to_contain_text("Connection lost")
    expect(widget.button("Retry now")).to_be_visible()
    expect(widget.composer).to_be_in_viewport(ratio=1)


def test_a_server_killed_in_mid_answer_comes_back_with_all_of_it(
    page: Page, tmp_path: Path
) -> None:
    with Server(tmp_path, HEARTBEAT=1, RATE_LIMIT=0, NODE_LEASE=2) as server:
        widget = Widget(page, server).load()
        widget.say("tell killed")
        expect(widget.answers).to_contain_text("word20")
        server.kill()
        expect(widget.banner).to_contain_text("Connection lost")
        widget.say("sent while it was dead")
        server.open_gate("killed")
        server.start()
        expect(widget.answers.first).to_have_text(WHOLE, timeout=30_000)
        expect(widget.answers.last).to_have_text("You said: sent while it was dead")
        expect(widget.answers).to_have_count(2)
        expect(widget.bubbles).to_have_text(["tell killed", "sent while it was dead"])
        widget.page.locator(".steps summary").first.click()
        expect(widget.page.get_by_text("The server restarted")).to_be_visible()


def test_an_expired_token_is_asked_for_anew_and_a_refused_one_says_so(
    page: Page, tmp_path: Path
) -> None:
    with Server(tmp_path, SECRET=SECRET, RATE_LIMIT=0) as server:
        tokens = [token_for("ada", seconds=3), token_for("ada", seconds=6), "worthless"]
        page.expose_function("nextToken", lambda: tokens.pop(0) if len(tokens) > 1 else tokens[0])
        page.add_init_script(GET_TOKEN)
        widget = Widget(page, server).load()
        widget.say("with the first token")
        expect(widget.answers).to_have_count(1)
        expect(widget.banner).to_contain_text("You have been signed out", timeout=20_000)
        widget.say("typed while signed out")
        tokens[0] = token_for("ada")
        widget.button("Sign in again").click()
        expect(widget.answers).to_have_count(2)
        expect(widget.bubbles).to_have_text(["with the first token", "typed while signed out"])


PRETEND_OFFLINE = (
    "Object.defineProperty(navigator, 'onLine', {get: () => false, configurable: true});"
)
# Returns when the answer stands in what this device keeps, which is written a moment after it came.
KEPT = """async words => {
  const settled = (request) => new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = failed;
  });
  const database = await settled(indexedDB.open('chatstream', 1));
  const isKept = ({type, content}) => type === 'response' && content.includes(words);
  for (;;) {
    const chats = await settled(database.transaction('chats').objectStore('chats').getAll());
    if (chats.flat().some(isKept)) break;
    await new Promise((done) => setTimeout(done, 20));
  }
  database.close();
}"""
WATCH_BANNER = """chat => {
  window.bannerSeen = false;
  const banner = chat.shadowRoot.querySelector('.banner');
  new MutationObserver(() => { window.bannerSeen ||= banner.textContent.trim() !== ''; })
    .observe(banner, {subtree: true, childList: true, characterData: true});
}"""
# Before the element starts: its client is made a moment after it was put on the page.
GET_TOKEN = """customElements.whenDefined('chatstream-chat').then(() => {
  document.querySelector('chatstream-chat').getToken = () => window.nextToken();
});"""
