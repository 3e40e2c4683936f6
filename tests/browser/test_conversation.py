"""What a person does with a chat when all goes well, and when it does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.browser.agents import WORDS
from tests.browser.server import Server
from tests.browser.widget import Widget

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

WHOLE = " ".join(f"word{number}" for number in range(WORDS))


def test_an_answer_is_streamed_and_its_steps_fold(widget: Widget, server: Server) -> None:
    widget.say("tell fold")
    expect(widget.answers).to_contain_text("word20")
    expect(widget.button("Stop")).to_be_visible()
    server.open_gate("fold")
    expect(widget.answers).to_have_text(WHOLE)
    expect(widget.page.locator(".steps-line")).to_have_text(re.compile(r"^1 step"))
    expect(widget.page.get_by_text("Task complete: tell fold")).to_be_visible()
    assert not widget.problems


def test_a_task_is_named_until_it_is_done_and_the_next_one_is_new(widget: Widget) -> None:
    widget.say("alarm please")
    expect(widget.task).to_have_text("Create alarm, waiting for: time")
    widget.page.locator(".steps summary").click()
    expect(widget.page.locator(".step").first).to_contain_text("attempt 1 of 2 · failed")
    expect(widget.page.locator(".step").nth(1)).to_contain_text("1.3 s")
    widget.say("07:30")
    expect(widget.answers.last).to_have_text("Alarm set for 07:30.")
    expect(widget.page.get_by_text("Task complete: Create alarm")).to_be_visible()
    expect(widget.task).to_have_count(0)
    widget.say("hello there")
    expect(widget.page.locator(".mark.new")).to_have_text("New task")


def test_a_form_is_refused_here_then_by_the_server_then_taken(widget: Widget) -> None:
    widget.say("form")
    widget.form.get_by_label("E-mail").fill("nobody")
    widget.button("Submit").click()
    expect(widget.form.get_by_role("alert")).to_have_text("Please check 2 fields")
    expect(widget.form.get_by_label("Name")).to_be_focused()
    widget.form.get_by_label("Name").fill("taken")
    widget.form.get_by_label("E-mail").fill("a@b.example")
    widget.button("Submit").click()
    expect(widget.form.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    widget.form.get_by_label("Name").fill("Ada")
    widget.form.get_by_label("Outside").check()
    widget.button("Submit").click()
    expect(widget.answers.last).to_have_text("Reserved for Ada.")
    expect(widget.form.locator("dd")).to_have_text(["Ada", "a@b.example", "2", "Outside"])
    expect(widget.form.get_by_text("Submitted")).to_be_visible()


def test_a_form_that_comes_last_is_in_view_as_a_whole(widget: Widget) -> None:
    for number in range(3):
        widget.say("tell")
        expect(widget.answers).to_have_count(number + 1)
        expect(widget.answers.last).to_have_text(WHOLE)
    widget.say("form")
    expect(widget.button("Submit")).to_be_in_viewport(ratio=1)
    widget.form.get_by_label("Outside").check()
    widget.button("Submit").click()
    expect(widget.form.get_by_role("alert")).to_be_in_viewport(ratio=1)


def test_a_button_is_an_answer_and_what_is_not_known_has_a_place(widget: Widget) -> None:
    widget.say("choose")
    expect(widget.page.locator(".placeholder")).to_contain_text("(map) cannot be shown here")
    widget.button("Every day").click()
    expect(widget.bubbles).to_have_text(["choose", "Every day"])
    expect(widget.answers).to_have_text("Reserved for {'value': 'daily'}.")
    for name in ("Once", "Every day"):
        expect(widget.button(name)).to_be_disabled()
    expect(widget.button("Every day")).to_have_attribute("aria-pressed", "true")


def test_a_closed_chat_says_so_and_offers_a_new_one(widget: Widget) -> None:
    widget.say("alarm please")
    expect(widget.task).to_be_visible()
    widget.page.evaluate("chat => { chat.client.close(); }", widget.element)
    expect(widget.page.locator(".mark.closed")).to_have_text("Chat closed")
    composer = widget.page.locator(".composer.closed")
    expect(composer).to_contain_text("This chat has been closed.")
    composer.get_by_role("button", name="New chat").click()
    widget.say("hello")
    expect(widget.answers).to_have_text("You said: hello")


def test_a_draft_of_a_form_outlives_a_reload_and_a_replaced_one_says_why(widget: Widget) -> None:
    widget.say("form")
    widget.form.get_by_label("Name").fill("Grace")
    widget.page.reload()
    expect(widget.form.get_by_label("Name")).to_have_value("Grace")
    widget.say("form")
    first = widget.page.locator("chatstream-form").first
    expect(first).to_contain_text("A newer question has replaced this one.")


def test_a_stopped_answer_keeps_its_words_and_can_be_run_again(widget: Widget) -> None:
    widget.say("tell never")
    expect(widget.answers).to_contain_text("word20")
    widget.button("Stop").click()
    expect(widget.page.locator(".answer footer").get_by_text("Stopped")).to_be_visible()
    expect(widget.answers).to_contain_text("word20")
    widget.server.open_gate("never")
    widget.button("Try again").click()
    expect(widget.answers.last).to_have_text(WHOLE)
    expect(widget.answers).to_have_count(2)


def test_the_words_of_an_answer_that_failed_stay_also_after_a_reload(widget: Widget) -> None:
    widget.say("break")
    expect(widget.page.locator(".error")).to_be_visible()
    expect(widget.answers).to_have_text(re.compile("^Half of an answer"))
    expect(widget.page.locator(".answer .note")).to_have_text("Broken off")
    expect(widget.page.locator("chatstream-answer.growing")).to_have_count(0)
    words = widget.answers.inner_text()
    widget.load()
    expect(widget.answers).to_have_text(words)
    expect(widget.page.locator(".answer .note")).to_have_text("Broken off")
    expect(widget.button("Try again")).to_be_visible()


def test_a_failed_turn_says_why_and_can_be_run_again(widget: Widget) -> None:
    widget.say("fail")
    expect(widget.page.locator(".error")).to_contain_text("That did not work.")
    expect(widget.page.locator(".error")).to_contain_text("no_luck")
    widget.button("Try again").click()
    expect(widget.page.locator(".error")).to_have_count(2)


def test_an_abandoned_task_is_offered_and_taken_up_again(
    context: BrowserContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"ABANDON_AFTER": 1.5, "RATE_LIMIT": 0}
    with Server(tmp_path_factory.mktemp("idle"), **settings) as server:
        widget = Widget(context.new_page(), server).load()
        widget.say("alarm please")
        card = widget.page.get_by_role("region", name="Pick up where you left off?")
        expect(card).to_be_visible()
        expect(card).to_contain_text("Create alarm")
        expect(card.locator(".facts")).to_have_text(re.compile(r"Day\s*tomorrow"))
        expect(card).to_contain_text("What time should it ring?")
        expect(widget.page.get_by_text("Set aside after a pause: Create alarm")).to_be_visible()
        card.get_by_role("button", name="Continue").click()
        expect(card).to_have_count(0)
        expect(widget.page.locator(".mark.resumed")).to_contain_text("Back to: Create alarm")
        widget.say("07:30")
        expect(widget.answers.last).to_have_text("Alarm set for 07:30.")


def test_a_dismissed_task_stays_away_and_one_started_over_is_new(
    context: BrowserContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"ABANDON_AFTER": 1.5, "RATE_LIMIT": 0}
    with Server(tmp_path_factory.mktemp("idle"), **settings) as server:
        widget = Widget(context.new_page(), server).load()
        card = widget.page.get_by_role("region", name="Pick up where you left off?")
        widget.say("alarm one")
        card.get_by_role("button", name="Start over").click()
        expect(widget.bubbles).to_have_text(["alarm one", "alarm one"])
        expect(widget.page.locator(".mark.new")).to_be_visible()
        card.get_by_role("button", name="Dismiss").click()
        expect(card).to_have_count(0)
        widget.page.reload()
        expect(widget.bubbles).to_have_count(2)
        expect(card).to_have_count(0)


def test_a_reminder_speaks_by_itself_and_leaves_the_task_as_it_is(widget: Widget) -> None:
    page = widget.page
    widget.say("remind Take the **cake** out")
    expect(widget.answers).to_have_text("I will.")
    widget.say("alarm please")
    expect(widget.task).to_have_text("Create alarm, waiting for: time")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})"
    )
    spoken = page.locator(".message.assistant").filter(has_text="Take the cake out")
    expect(spoken).to_contain_text("Reminder", timeout=20_000)
    expect(page.locator(".announcer")).to_have_text("Take the **cake** out")
    expect(page).to_have_title("(1) Chat")
    expect(widget.task).to_have_text("Create alarm, waiting for: time")
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title("Chat")
    widget.say("07:30")
    expect(page.get_by_text("Task complete: Create alarm")).to_be_visible()
    expect(widget.bubbles).to_have_count(3)


def test_two_tabs_show_one_conversation(context: BrowserContext, widget: Widget) -> None:
    widget.say("hello")
    expect(widget.answers).to_have_text("You said: hello")
    other = Widget(context.new_page(), widget.server).load()
    expect(other.bubbles).to_have_text(["hello"])
    other.say("tell half")
    expect(widget.answers.last).to_contain_text("word20")
    widget.server.open_gate("half")
    for tab in (widget, other):
        expect(tab.bubbles).to_have_text(["hello", "tell half"])
        expect(tab.answers.last).to_have_text(WHOLE)


def test_past_chats_are_listed_and_come_back_whole(widget: Widget) -> None:
    widget.say("alarm of the first chat")
    expect(widget.answers).to_have_text("What time should it ring?")
    widget.page.locator(".header").get_by_label("New chat").click()
    expect(widget.page.get_by_text("How can I help?")).to_be_visible()
    widget.say("second chat")
    expect(widget.answers).to_have_text("You said: second chat")
    widget.button("Your chats").click()
    rows = widget.page.locator(".chat-row")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="alarm of the first chat")).to_contain_text("Unfinished")
    rows.filter(has_text="alarm of the first chat").click()
    expect(widget.bubbles).to_have_text(["alarm of the first chat"])
    expect(widget.task).to_have_text("Create alarm, waiting for: time")


def test_an_enter_that_ends_a_composition_sends_nothing(widget: Widget) -> None:
    widget.composer.fill("に")
    widget.composer.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(widget.composer).to_have_value("に")
    widget.composer.press("Shift+Enter")
    widget.composer.press("Enter")
    expect(widget.bubbles).to_have_text(["に"])
    expect(widget.answers).to_have_count(1)  # what was said is now part of the chat
    widget.composer.press("ArrowUp")
    expect(widget.composer).to_have_value("に")


def test_everything_can_be_reached_by_keyboard(widget: Widget) -> None:
    widget.say("form")
    expect(widget.form.get_by_label("Name")).to_be_visible()
    widget.composer.focus()
    names = []
    for _ in range(3):
        widget.page.keyboard.press("F6")
        names.append(widget.page.evaluate(FOCUSED))
    assert names == ["chatstream-log", "input", "textarea"]
    widget.page.keyboard.press("Shift+F6")
    assert widget.page.evaluate(FOCUSED) == "input"
    widget.button("Your chats").press("Enter")
    expect(widget.page.get_by_label("Close list")).to_be_focused()
    widget.page.keyboard.press("Escape")
    expect(widget.button("Your chats")).to_be_focused()


FOCUSED = "document.querySelector('chatstream-chat').shadowRoot.activeElement.localName"
