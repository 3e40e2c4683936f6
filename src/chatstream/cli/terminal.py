"""A chat in the terminal, on the Python client: ``chatstream chat`` calls ``chat``.

Lines go in, steps (dimmed), answers (as they are written), forms and buttons come out. Ctrl-C
stops an answer, Ctrl-D leaves; the connection mends itself. Plain text and ANSI dimming only.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import contextmanager, suppress
from typing import Final, TextIO, cast
from urllib.parse import urlsplit, urlunsplit

from chatstream.cli.screen import Screen
from chatstream.cli.terminal_forms import fields_of, parse, put
from chatstream.client import (
    Ack,
    Chat,
    ChatClient,
    ChatView,
    ClientClosed,
    Closed,
    CommandRejected,
    Connect,
    Forgotten,
    Live,
    OutboxFull,
    Waiting,
    connect_websocket,
)
from chatstream.client.frames import ComponentEvent, UserEvent, Values
from chatstream.client.waiters import Bell
from chatstream.errors import ConfigurationError

PROMPT: Final = "> "
HELP: Final = "/resume N, /abandon, /retry, /new TEXT, /close, /help; Ctrl-C stops, Ctrl-D leaves"
FIRST_CONTACT_SECONDS: Final = 3.0
BANNER_SECONDS: Final = 1.0
"""A shorter loss is nobody's business."""
SHOWN_EVENTS: Final = 200
"""So much of an old chat is read and shown at the start."""


async def chat(url: str, token: str | None = None, chat_id: str | None = None) -> None:
    """Talk with the server at ``url`` until the user leaves.

    Args:
        url: of the server (``http://HOST:PORT``), or of its WebSocket (``ws://…``).
        token: who the user is; None: a new visitor.
        chat_id: the chat to go on with; None: a new one.
    """
    await converse(socket_url(url), typed_lines(), sys.stdout, token=token, chat_id=chat_id)


def socket_url(address: str) -> str:
    """The WebSocket's URL, where ``address`` is only the server's.

    The socket at the root is there whatever prefix the server has.

    Raises:
        ConfigurationError: it is none.
    """
    parts = urlsplit(address)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in {"ws", "wss"} or not parts.netloc:
        raise ConfigurationError(
            f"{address!r} is no address of a server; expected one like http://127.0.0.1:8000"
        )
    path = parts.path if parts.path.strip("/") else "/ws/chat"
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


async def converse(
    url: str,
    lines: AsyncIterator[str],
    out: TextIO,
    *,
    token: str | None = None,
    chat_id: str | None = None,
    connect: Connect = connect_websocket,
) -> None:
    """``chat`` with other ends: ``lines`` are what the user types, ``out`` what is seen."""
    async with ChatClient(url, token=token, connect=connect) as client:
        conversation = Conversation(client, client.follow(chat_id, last=SHOWN_EVENTS), lines, out)
        with _on_interrupt(conversation.interrupt):
            await conversation.run()


class Conversation:
    """One user in front of one chat."""

    def __init__(
        self, client: ChatClient, chat: Chat, lines: AsyncIterator[str], out: TextIO
    ) -> None:
        self._client = client
        self._chat = chat
        self._lines = lines
        self._screen = Screen(out)
        self._shown = Bell()
        self._position = 0
        self._interrupted = False
        self._leaving = False
        self._main: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until the lines end, the user leaves, or the client is closed for good."""
        self._main = asyncio.current_task()
        background = [asyncio.create_task(self._show()), asyncio.create_task(self._banner())]
        try:
            await self._talk()
        except ClientClosed as closed:
            self._screen.note(f"The chat is over: {closed.reason}.")
        except asyncio.CancelledError:
            if not self._leaving:
                raise
        finally:
            for task in background:
                task.cancel()
        self._screen.note(f"Go on with this chat: {self._chat.id}")

    async def _talk(self) -> None:
        await self._begin()
        while (line := await self._ask(PROMPT)) is not None:
            self._interrupted = False
            await self._act(line)

    def interrupt(self) -> None:
        """Ctrl-C: stop the answer; where there is none, the second time leaves."""
        if self._chat.view.turn is not None:
            self._stopping = asyncio.create_task(self._stop())
        elif self._interrupted:
            self._leave()
        else:
            self._screen.note("Nothing to stop. Ctrl-D leaves.")
        self._interrupted = True

    # ---------------------------------------------------------------------------- what goes in

    async def _begin(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_CONTACT_SECONDS):
                await self._chat.caught_up()
                await self._all_shown(self._chat.view.position)
        for number, intent in enumerate(self._chat.view.resumable, start=1):
            asked = f" It asked: {intent.question.text}" if intent.question else ""
            self._screen.note(f"Unfinished: {intent.title!r}.{asked} /resume {number} goes on.")

    async def _act(self, line: str) -> None:
        try:
            ack = await self._command(line.strip())
            while ack is not None:
                await self._answered(ack)
                ack = await self._fill_form()
        except CommandRejected as rejected:
            self._screen.note(f"Not accepted: {rejected.rejected.message} ({rejected.code})")
        except OutboxFull as full:
            self._screen.note(f"Not sent: {full}")

    async def _command(self, line: str) -> Ack | None:
        """Do what the line says; the ack, where an answer follows."""
        name, _, rest = line.partition(" ")
        match name:
            case "":
                return None
            case "/resume":
                await self._resume(rest)
            case "/abandon" if intent := self._chat.view.intent:
                await self._chat.abandon(intent.user_intent_id)
            case "/retry" if message_id := self._newest_message():
                return await self._chat.retry(message_id)
            case "/new":
                return await self._send(rest, new_intent=True)
            case "/close":
                await self._chat.close()
            case "/help" | "/resume" | "/abandon" | "/retry":
                self._screen.note(HELP)
            case _:
                return await self._press(line) or await self._send(line)
        return None

    async def _send(self, content: str, *, new_intent: bool = False) -> Ack:
        self._screen.typed = content
        return await self._chat.send(content, new_intent=new_intent)

    async def _press(self, line: str) -> Ack | None:
        """A number presses a button, where there are buttons."""
        waiting = self._waiting("buttons")
        if waiting is None or not line.isdecimal() or not 0 < int(line) <= len(waiting.options):
            return None
        option = waiting.options[int(line) - 1]
        return await self._chat.submit(waiting.component_id, {"value": option.value})

    async def _resume(self, number: str) -> None:
        resumable = self._chat.view.resumable
        index = int(number) if number.isdecimal() else 1
        if not 0 < index <= len(resumable):
            self._screen.note("There is no such unfinished task.")
            return
        intent = resumable[index - 1]
        await self._chat.resume(intent.user_intent_id)
        if intent.question is not None:
            self._screen.note(f"Going on. It asked: {intent.question.text}")

    async def _fill_form(self) -> Ack | None:
        """Ask a waiting form's questions; None if none waits, or the user turns to other things."""
        form = self._waiting("form")
        if form is None:
            return None
        self._screen.note(f"{form.title or 'A form'} (/skip leaves it)")
        while (values := await self._values(form)) is not None:
            if isinstance(values, str):
                return await self._send(values)
            try:
                return await self._chat.submit(form.component_id, values)
            except CommandRejected as rejected:
                if rejected.code != "invalid_form":
                    raise
                self._screen.note(f"Please again. {_reasons(rejected.rejected.details)}")
        return None

    async def _values(self, form: ComponentEvent) -> Values | str | None:
        """What was filled in; or words, where a time is all that is asked and the agent may
        understand "tomorrow at five" better than a form does."""
        values: Values = {}
        fields = fields_of(form.schema)
        for field in fields:
            while True:
                line = await self._ask(f"{field.prompt}: ")
                if line is None or line.strip() == "/skip":
                    return None
                try:
                    value = parse(field, line)
                except ValueError as wrong:
                    if field.is_time and len(fields) == 1 and line.strip():
                        return line
                    self._screen.note(f"{wrong}.")
                    continue
                values = values if value is None else put(values, field.path, value)
                break
        return values

    async def _ask(self, prompt: str) -> str | None:
        self._screen.prompt(prompt)
        line = await anext(self._lines, None)
        self._screen.entered()
        return line

    def _waiting(self, kind: str) -> ComponentEvent | None:
        waiting = [one for one in self._chat.view.open_components if one.kind == kind]
        return waiting[-1] if waiting else None

    def _newest_message(self) -> str | None:
        said = [one for one in self._chat.view.messages if isinstance(one, UserEvent)]
        return said[-1].message_id if said else None

    # --------------------------------------------------------------------------- what comes out

    async def _answered(self, ack: Ack) -> None:
        answer = await self._chat.answer_to(ack)
        await self._all_shown(answer.events[-1].position)

    async def _all_shown(self, position: int) -> None:
        await self._shown.until(lambda: self._position >= position)

    async def _show(self) -> None:
        """Show what is new, then the texts that grow; for as long as the chat is followed."""
        seen: ChatView = self._chat.view
        while True:
            seen = await self._changed(seen)
            try:
                events = self._chat.held(self._position)
            except Forgotten:
                events = self._chat.held(self._chat.first_position - 1)
            for event in events:
                self._screen.event(event)
            self._position = seen.position
            for message_id, text in seen.answers.items():
                self._screen.growing(message_id, text)
            self._shown.ring()

    async def _changed(self, seen: ChatView) -> ChatView:
        return await self._chat.until(lambda view: view is not seen)

    async def _banner(self) -> None:
        while not isinstance(self._client.state, Closed):
            await self._client.until(lambda state: isinstance(state, Waiting | Closed))
            with suppress(TimeoutError):
                async with asyncio.timeout(BANNER_SECONDS):
                    await self._client.until(lambda state: isinstance(state, Live))
                    continue
            self._screen.note("No connection; trying again. What you type is sent later.")
            await self._client.until(lambda state: isinstance(state, Live | Closed))
            if isinstance(self._client.state, Live):
                self._screen.note("Connected again.")
        self._screen.note(f"The server is done with us: {self._client.state.reason}.")
        self._leave()

    async def _stop(self) -> None:
        # An answer that ended meanwhile needs no stopping.
        with suppress(CommandRejected, ClientClosed, OutboxFull):
            await self._chat.cancel()

    def _leave(self) -> None:
        self._leaving = True
        assert self._main is not None
        self._main.cancel()


# ---------------------------------------------------------------------------------- the keyboard


async def typed_lines() -> AsyncGenerator[str]:
    """What is typed (or piped in), line by line, until its end."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        # The loop may be gone before the user presses Enter once more.
        with suppress(RuntimeError):
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    # A thread that cannot be interrupted must not keep the process alive.
    threading.Thread(target=read, name="keyboard", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


@contextmanager
def _on_interrupt(act: Callable[[], None]) -> Generator[None]:
    """Ctrl-C calls ``act``, where signals can be had (not in a thread, not on every system)."""
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, act)
    except (NotImplementedError, RuntimeError, ValueError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _reasons(details: Values) -> str:
    fields = details.get("fields")
    named = cast("dict[str, object]", fields) if isinstance(fields, dict) else {}
    return "; ".join(f"{name or 'the form'}: {reason}" for name, reason in named.items())
