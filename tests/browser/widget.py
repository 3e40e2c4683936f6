"""What a person sees and does in the widget, in the words of the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from tests.browser.server import Server


class Widget:
    """The full page in one tab."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def load(self) -> Self:
        """Open the page and wait until it can be written in."""
        self.page.goto(self.server.url)
        self.composer.wait_for()
        self.page.wait_for_function(
            "chat => chat.client?.state.status === 'live'", arg=self.element
        )
        return self

    @property
    def element(self) -> Any:
        """The `<chatstream-chat>` as the page's scripts see it."""
        return self.page.query_selector("chatstream-chat")

    @property
    def composer(self) -> Locator:
        """Where a person writes."""
        return self.page.get_by_label("Message", exact=True)

    @property
    def answers(self) -> Locator:
        """The texts of the assistant."""
        return self.page.locator("chatstream-answer")

    @property
    def bubbles(self) -> Locator:
        """What the person said."""
        return self.page.locator(".message.user .bubble")

    @property
    def banner(self) -> Locator:
        """The line about the connection."""
        return self.page.locator(".banner")

    @property
    def task(self) -> Locator:
        """The task in hand, in the header."""
        return self.page.locator(".task bdi")

    @property
    def form(self) -> Locator:
        """The newest form."""
        return self.page.locator("chatstream-form").last

    def say(self, text: str) -> None:
        """Write and send."""
        self.composer.fill(text)
        self.composer.press("Enter")

    def button(self, name: str) -> Locator:
        """The button that is called `name`."""
        return self.page.get_by_role("button", name=name, exact=True)

    def see(self, text: str) -> None:
        """Wait until `text` stands somewhere."""
        self.page.get_by_text(text).first.wait_for()
