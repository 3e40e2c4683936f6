"""Strings that strangers write stay strings, under the strictest policies, and everyone can use the widget."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.server import Server
from tests.browser.site import Site
from tests.browser.widget import Widget

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

CORPUS = Path(__file__).parents[2] / "web/widget/test/xss.ts"
LITERAL = re.compile(r"""^  (?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"),$""", re.MULTILINE)


def corpus() -> list[str]:
    """The strings of the widget's unit tests."""
    return [_javascript_string(match["quoted"]) for match in LITERAL.finditer(CORPUS.read_text())]


def _javascript_string(literal: str) -> str:
    inner = literal[1:-1]
    if literal.startswith("'"):
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    return str(json.loads(f'"{inner}"'))


class Watch:
    """Everything that a page must not do: ask, complain, or call elsewhere."""

    def __init__(self, page: Page, *origins: str) -> None:
        self.broken: list[str] = []
        self._origins = origins
        page.on("dialog", lambda dialog: (self.broken.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: self.broken.append(str(error)))
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("request", self._asked)

    def _said(self, kind: str, text: str) -> None:
        if kind == "error" or re.search("policy|trusted", text, re.IGNORECASE):
            self.broken.append(text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((*self._origins, "data:")):
            self.broken.append(request.url)


def test_what_strangers_write_is_shown_and_never_run(
    context: BrowserContext, server: Server
) -> None:
    page = context.new_page()
    watch = Watch(page, server.url, f"ws://{server.host}")
    widget = Widget(page, server).load()
    strings = corpus()
    assert len(strings) > 35
    for text in strings:
        page.evaluate(
            "([chat, text]) => chat.client.send('attack ' + text)", [widget.element, text]
        )
    expect(page.locator("chatstream-form")).to_have_count(len(strings), timeout=60_000)
    for summary in page.locator(".steps summary").all():
        summary.evaluate("element => element.click()")
    assert_nothing_planted(widget)
    submit_last(widget, strings[0])
    expect(page.locator(".form.submitted")).to_have_count(1)
    expect(page.locator(".mark.complete").last).to_be_visible()
    page.evaluate(
        "([chat, text]) => chat.client.send('fail ' + text)", [widget.element, strings[1]]
    )
    expect(page.locator(".error")).to_contain_text("alert(1)")
    assert_nothing_planted(widget)
    page.locator(".header").get_by_label("New chat").click()
    expect(page.get_by_text("How can I help?")).to_be_visible()
    widget.button("Your chats").click()
    page.locator(".chat-row").filter(has_text="attack").click()
    expect(page.locator("chatstream-form").last).to_be_visible()
    assert_nothing_planted(widget)
    assert watch.broken == []


def test_what_strangers_write_is_not_run_on_the_card_of_a_task_set_aside(
    context: BrowserContext, tmp_path: Path
) -> None:
    with Server(tmp_path, ABANDON_AFTER=1.5, RATE_LIMIT=0) as server:
        page = context.new_page()
        watch = Watch(page, server.url, f"ws://{server.host}")
        widget = Widget(page, server).load()
        for text in corpus()[:4]:
            page.evaluate(
                "([chat, text]) => chat.client.send('attack ' + text, {new_intent: true})",
                [widget.element, text],
            )
        page.get_by_role("button", name="more unfinished").click()
        expect(page.locator(".resume-task")).to_have_count(4)
        assert_nothing_planted(widget)
        assert watch.broken == []


HOSTILE = (
    "# " + " " * 31_000 + "x\u2028",
    "http://" + ")" * 31_000,
    "http://" + "!" * 31_000 + "a",
    "[a](" + " " * 31_000 + "x",
    "` " + "a" * 31_000 + "`",
    "*a " * 5_000 + " a*" * 5_000,
    "|a" * 4_000 + "\n" + "|-" * 4_000 + "\n" + "|\n" * 7_000,
    "|a" * 100 + "\n" + "|-" * 100 + "\n" + "|\n" * 15_000,
    "- a\n" * 7_500,
    "word" * 7_500,
)
"""The legal size of a message, by what had been the dearest; the widget's own tests try thousands."""
WATCH_TASKS = "() => new PerformanceObserver(list => (window.longest = Math.max(window.longest ?? 0, ...list.getEntries().map(({duration}) => duration)))).observe({entryTypes: ['longtask']})"


def test_no_answer_holds_the_page(widget: Widget) -> None:
    widget.page.evaluate(WATCH_TASKS)
    for number, text in enumerate(HOSTILE, start=1):
        widget.page.evaluate(
            "([chat, text]) => chat.client.send('echo ' + text)", [widget.element, text]
        )
        expect(widget.page.locator(".answer > footer")).to_have_count(number)
        expect(widget.page.locator("chatstream-answer").last).not_to_be_empty()
    # A quiet machine draws a table of 15,000 lines within a second; what was mended took minutes.
    longest_ms = widget.page.evaluate("window.longest ?? 0")
    assert longest_ms < 15_000
    assert widget.problems == []


def assert_nothing_planted(widget: Widget) -> None:
    """No element stands in the chat that only a stranger can have wanted there."""
    planted = "chat => chat.shadowRoot.querySelectorAll('script, style, iframe, img, object, embed, base, meta, link, math, [onerror], [onload], [onclick], [href^=java], [href^=data], [href^=vb]').length"
    assert widget.page.evaluate(planted, widget.element) == 0


def submit_last(widget: Widget, text: str) -> None:
    """Submit `text` in every field of the newest open form."""
    widget.page.evaluate(
        """([chat, text]) => {
          const open = Object.values(chat.client.chat.components).filter(({status}) => status === 'open');
          chat.client.submit(open.at(-1).component_id, {free: text, [text]: text});
        }""",
        [widget.element, text],
    )


# ---------------------------------------------------------------- a page of another origin

HOST_POLICY = (
    "default-src 'none'; script-src {host}; connect-src {host} {socket}; style-src 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types lit-html"
)
HOST_PAGE = """<!doctype html><html lang="en"><head><title>A shop</title></head><body>
<h1>A shop</h1><script async src="{host}/chatstream/embed.js" data-chatstream data-heading="Help desk"
data-suggestions='["Where is my parcel?"]'></script></body></html>"""


@pytest.fixture
def shop() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def shop_server(shop: Site, tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, ORIGINS=shop.url, RATE_LIMIT=0) as server:
        policy = HOST_POLICY.format(host=server.url, socket=f"ws://{server.host}")
        shop.headers["Content-Security-Policy"] = policy
        shop.page(HOST_PAGE.format(host=server.url))
        yield server


def test_one_script_puts_a_chat_on_a_strict_page_of_another_origin(
    context: BrowserContext, shop: Site, shop_server: Server
) -> None:
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")
    watch = Watch(page, shop.url, shop_server.url, f"ws://{shop_server.host}")
    page.goto(shop.url)
    page.get_by_role("button", name="Open chat").click()
    composer = page.get_by_label("Message", exact=True)
    expect(composer).to_be_focused()
    expect(page.get_by_role("dialog", name="Chat")).to_contain_text("Help desk")
    page.get_by_role("button", name="Where is my parcel?").click()
    expect(page.locator("chatstream-answer")).to_have_text("You said: where is my parcel?")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open chat")).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 780})
    page.get_by_role("button", name="Open chat").click()
    box = page.get_by_role("dialog", name="Chat").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 780}
    favicon = [line for line in watch.broken if "404" not in line and "favicon" not in line]
    assert favicon == []


# ---------------------------------------------------------------- for everyone

RUN_AXE = """async () => {
  const {violations} = await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']});
  return violations.map(({id, nodes}) => `${id}: ${nodes.map(({html, failureSummary}) => html.slice(0, 160) + ' ' + failureSummary).join(' | ')}`);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(
    browser: Browser, server: Server, axe: str, scheme: Any
) -> None:
    context = browser.new_context(
        color_scheme=scheme, bypass_csp=True, viewport={"width": 1100, "height": 800}
    )
    try:
        widget = Widget(context.new_page(), server).load()
        widget.page.evaluate(axe)
        run = functools.partial(widget.page.evaluate, RUN_AXE)
        assert run() == []
        widget.say("alarm")
        expect(widget.task).to_contain_text("waiting for")
        widget.page.locator(".steps summary").click()
        widget.say("7:00")
        widget.say("form")
        widget.button("Submit").click()
        expect(widget.form.get_by_role("alert")).to_be_visible()
        assert run() == []
        widget.say("fail")
        expect(widget.page.locator(".error")).to_be_visible()
        widget.page.set_viewport_size({"width": 420, "height": 700})
        widget.button("Your chats").click()
        expect(widget.button("Close list")).to_be_visible()
        assert run() == []
    finally:
        context.close()


FORCED_LOOKS = """chat => {
  const look = (selector) => {
    const {outlineStyle, backgroundColor} = getComputedStyle(chat.shadowRoot.querySelector(selector));
    return [outlineStyle, backgroundColor];
  };
  return {bubble: look('.bubble'), row: look('.chat-row[aria-current]'), badge: look('.badge')};
}"""


def test_where_colours_are_forced_lines_say_what_colours_say_elsewhere(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(forced_colors="active", viewport={"width": 1100, "height": 800})
    try:
        widget = Widget(context.new_page(), server).load()
        widget.say("alarm")
        expect(widget.page.locator(".badge")).to_be_visible()
        looks = widget.page.evaluate(FORCED_LOOKS, widget.element)
        assert {name: line for name, (line, _) in looks.items()} == {
            "bubble": "solid",
            "row": "double",
            "badge": "solid",
        }
        # The accent of the theme is gone, the person's own colours are there.
        assert looks["bubble"][1] == "rgb(255, 255, 255)"
    finally:
        context.close()


def test_nothing_is_lost_at_twice_the_size(widget: Widget) -> None:
    widget.page.set_viewport_size({"width": 320, "height": 480})
    widget.page.evaluate("document.documentElement.style.fontSize = '32px'")
    widget.say("form")
    expect(widget.task).to_be_visible()
    expect(widget.button("Submit")).to_be_visible()
    expect(widget.composer).to_be_visible()
    widest = "chat => chat.shadowRoot.querySelector('chatstream-log').scrollWidth"
    assert widget.page.evaluate(widest, widget.element) <= 320
    assert widget.page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_screen_reader_hears_the_answer_once_and_no_token(widget: Widget) -> None:
    assert widget.page.get_by_role("log").get_attribute("aria-live") == "off"
    heard = "chat => (window.heard = [], new MutationObserver(() => heard.push(chat.shadowRoot.querySelector('.announcer').textContent)).observe(chat.shadowRoot.querySelector('.announcer'), {childList: true}))"
    widget.page.evaluate(heard, widget.element)
    widget.say("tell")
    expect(widget.page.locator(".announcer")).to_have_text(re.compile("^word0 .*word39"))
    said = widget.page.evaluate("window.heard")
    assert said[0] == "Assistant is answering"
    assert len(said) <= 3
