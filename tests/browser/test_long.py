"""Long chats and long answers: what a piece of an answer costs, and what is loaded."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.browser.agents import BIG_PIECE, BIG_PIECES
from tests.browser.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext
    from tests.browser.server import Server

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

SHORT_EVENTS, LONG_EVENTS = 50, 5000
PIECES = 200


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


def cost_of_a_piece(widget: Widget, gate: str) -> float:
    """Milliseconds from a delta's arrival to its being laid out, the median of many."""
    # By script: Playwright's locators look at every element, and there are many.
    widget.page.evaluate(
        "([chat, words]) => chat.client.send(words)", [widget.element, f"tell {gate}"]
    )
    widget.page.wait_for_function(IN_MID_ANSWER, arg=widget.element)
    times = widget.page.evaluate(COST_OF_A_PIECE, [widget.element, PIECES])
    widget.server.open_gate(gate)
    widget.page.wait_for_function("chat => chat.client.chat.turn === null", arg=widget.element)
    return statistics.median(times)


def test_an_answer_of_16_kb_in_1400_pieces_keeps_up(
    widget: Widget, record_property: Callable[..., None]
) -> None:
    widget.page.evaluate(MEASURE_LONG_TASKS)
    widget.say("big")
    whole = (BIG_PIECE * BIG_PIECES).strip()
    expect(widget.answers).to_have_text(whole, timeout=60_000)
    long_tasks = widget.page.evaluate("window.longTasks")
    spent = sum(long_tasks)
    print(
        f"\n16 KB in {BIG_PIECES} pieces: {len(long_tasks)} tasks over 50 ms, {spent:.0f} ms in them"
    )
    record_property("long_tasks_ms", spent)
    assert max(long_tasks, default=0) < 500


def test_a_piece_costs_the_same_in_a_long_chat(
    context: BrowserContext, server: Server, record_property: Callable[..., None]
) -> None:
    context.add_init_script(REMEMBER_SOCKETS)
    widget = Widget(context.new_page(), server).load()
    fill(widget, SHORT_EVENTS)
    short_ms = cost_of_a_piece(widget, "short")
    fill(widget, LONG_EVENTS)
    widget.load()
    expect(widget.bubbles.last).to_contain_text("number")
    widget.page.evaluate(LOAD_ALL, widget.element)
    held = widget.page.evaluate("chat => chat.client.events.length", widget.element)
    assert held >= LONG_EVENTS
    long_ms = cost_of_a_piece(widget, "long")
    print(
        f"\none piece: {short_ms:.2f} ms at {SHORT_EVENTS} events, {long_ms:.2f} ms at {held}: {long_ms / short_ms:.2f} x"
    )
    record_property("ratio", long_ms / short_ms)
    assert long_ms <= 3 * max(short_ms, 0.5)


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


IN_MID_ANSWER = "chat => Object.values(chat.client.chat.answers).some(({done, text}) => !done && /word20/.test(text))"
TOKEN_AND_CHAT = """chat => [
  JSON.parse(JSON.stringify(Object.entries(localStorage).find(([key]) => key.endsWith(':token'))[1])),
  chat.client.chat.user_chat_id,
]"""
LOAD_ALL = "async chat => { while (chat.client.chat.from > 0) await chat.client.loadEarlier(); }"
# Else the page goes on from what it kept while the chat was filled, and may hold all of it.
NOTHING_KEPT = "Object.defineProperty(window, 'indexedDB', {value: undefined});"
REMEMBER_SOCKETS = """window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
};"""
MEASURE_LONG_TASKS = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
  }).observe({type: 'longtask'});
}"""
# The time of the client and of the drawing, without the wait for the screen in between.
COST_OF_A_PIECE = """async ([chat, pieces]) => {
  const socket = window.sockets.at(-1);
  const log = chat.shadowRoot.querySelector('chatstream-log');
  const frame = (run) => new Promise((done) => requestAnimationFrame(() => done(run())));
  const times = [];
  for (let number = 0; number < pieces; number += 1) {
    const [message_id, answer] = Object.entries(chat.client.chat.answers).find(([, one]) => !one.done);
    const delta = {type: 'delta', user_chat_id: chat.client.chat.user_chat_id, message_id, offset: answer.length, text: 'piece '};
    const began = frame(() => performance.now());
    const arrived = performance.now();
    socket.dispatchEvent(new MessageEvent('message', {data: JSON.stringify(delta)}));
    const taken = performance.now() - arrived;
    const ended = frame(() => (log.scrollHeight, performance.now()));
    times.push(taken + (await ended) - (await began));
  }
  return times;
}"""
