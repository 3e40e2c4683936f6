"""Long chats and long answers: what a piece of an answer costs, and what is loaded."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.browser.scripted import Scripted, pieces
from tests.browser.widget import Widget

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext
    from tests.browser.server import Server

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

SHORT_EVENTS, LONG_EVENTS = 50, 5000
PIECES = 1400
ROUNDS, ROUND = 8, 25
MOST_WORK = 10
"""How many times the work of appended text a piece of markdown may take."""


def fill(widget: Widget, events: int) -> None:
    """Send short messages by HTTP, in the visitor's own name, until the chat has `events` events."""
    token, chat_id = widget.page.evaluate(TOKEN_AND_CHAT, widget.element)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=widget.server.url, timeout=60, headers=headers) as http:
        path = f"/api/v1/chats/{chat_id}"
        while (missing := events - http.get(path).json()["position"]) > 0:
            for number in range(max(1, missing // 8)):
                http.post(
                    f"{path}/messages", json={"content": f"number {number}"}
                ).raise_for_status()
            while http.get(path).json()["turn"]:
                time.sleep(0.05)


def test_a_piece_of_a_long_answer_costs_no_more_than_one_of_a_short_one(
    context: BrowserContext, server: Server
) -> None:
    """16 KB of markdown in 1,400 pieces, beside text that is only appended to."""
    chat = Scripted(context.new_page(), server.url, SHORT_EVENTS)
    given = pieces(PIECES)
    half = len(given) // 2
    appended = chat.work(given, "append")
    first, second = chat.work(given[:half]), chat.work(given[half:])
    print(f"\nfirst 8 KB: {first}\nnext 8 KB:  {second}\nappended:   {appended}")
    print(f"{second.a_piece / appended.a_piece:.1f} x the work of appended text")
    assert first.layouts + second.layouts <= len(given) + 2
    assert second.a_piece <= 1.2 * first.a_piece
    assert second.a_piece <= MOST_WORK * appended.a_piece


def test_a_piece_costs_the_same_in_a_long_chat(context: BrowserContext, server: Server) -> None:
    short, long = (
        Scripted(context.new_page(), server.url, events) for events in (SHORT_EVENTS, LONG_EVENTS)
    )
    assert len(long.events) >= LONG_EVENTS
    given = pieces(ROUNDS * ROUND)
    # In turns, so that whatever else the machine does falls on both.
    rounds = [given[at : at + ROUND] for at in range(0, len(given), ROUND)]
    few, many = short.work(rounds[0]), long.work(rounds[0])
    times = [(short.stream(some), long.stream(some)) for some in rounds[1:]]
    few_ms, many_ms = (statistics.median(side) for side in zip(*times, strict=True))
    print(f"\n{SHORT_EVENTS} events: {few}, {few_ms:.2f} ms a piece")
    print(f"{LONG_EVENTS} events: {many}, {many_ms:.2f} ms a piece: {many_ms / few_ms:.2f} x")
    assert many.a_piece <= 1.2 * few.a_piece
    assert many_ms <= 3 * few_ms


def test_history_is_loaded_upwards_and_what_is_read_stays_in_place(
    context: BrowserContext, server: Server
) -> None:
    context.add_init_script(NOTHING_KEPT)
    widget = Widget(context.new_page(), server).load()
    fill(widget, 450)
    widget.load()
    expect(widget.bubbles.last).to_be_in_viewport()
    loaded = widget.bubbles.count()
    log = widget.page.locator("chatstream-log")
    log.hover()
    widget.page.mouse.wheel(0, -300)
    expect(widget.button("Jump to latest")).to_be_visible()
    log.evaluate("log => { log.scrollTop = 60; }")
    widget.page.wait_for_function(
        "([chat, loaded]) => chat.shadowRoot.querySelectorAll('.bubble').length > loaded",
        arg=[widget.element, loaded],
    )
    widget.page.wait_for_function(
        "chat => chat.shadowRoot.querySelector('chatstream-log').scrollTop > 500",
        arg=widget.element,
    )
    widget.page.evaluate(LOAD_ALL, widget.element)
    widget.say("hello")
    expect(widget.answers.last).to_be_in_viewport()
    widget.page.mouse.wheel(0, -300)
    widget.page.evaluate("chat => chat.client.send('while I read')", widget.element)
    widget.button("1 new message").click()
    expect(widget.answers.last).to_have_text("You said: while I read")
    expect(widget.answers.last).to_be_in_viewport()


TOKEN_AND_CHAT = """chat => [
  JSON.parse(JSON.stringify(Object.entries(localStorage).find(([key]) => key.endsWith(':token'))[1])),
  chat.client.chat.user_chat_id,
]"""
LOAD_ALL = "async chat => { while (chat.client.chat.from > 0) await chat.client.loadEarlier(); }"
# Else the page goes on from what it kept while the chat was filled, and may hold all of it.
NOTHING_KEPT = "Object.defineProperty(window, 'indexedDB', {value: undefined});"
