"""A small server of the wire protocol, all in memory: its log, its sockets, its faults.

``Chats`` is the pure part (frames in, frames out); ``serve`` puts it behind real WebSockets,
``connector`` behind queues. The agent answers a message with a step, pieces and the whole.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import asynccontextmanager

from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed

from chatstream.client.transport import TransportLost

RUNNING_ENDS = ("finished", "needs_input", "cancelled", "failed")


class Socket:
    """One connection, as the server sees it: ``out`` is what goes to the client."""

    def __init__(self):
        self.out = []
        self.following = set()
        self.close_code = None
        self.moved = asyncio.Event()

    def push(self, frame):
        self.out.append(frame)
        self.moved.set()

    def close(self, code):
        self.close_code = code
        self.moved.set()


class Chats:
    """Chats, their events, and the agent. ``hold_turns``: the agent goes on by ``step`` only."""

    def __init__(self, *, hold_turns=False, heartbeat_seconds=20.0):
        self.events = {}
        self.stored = {}
        self.sockets = []
        self.work = []
        self.refusals = []
        self.shows = []
        self.welcome = {}
        self.hold_turns = hold_turns
        self.heartbeat_seconds = heartbeat_seconds
        self.hellos = []
        self.received = []
        self.numbers = itertools.count(1)
        self.answer = lambda content: f"Echo: {content} 🎉"

    # ------------------------------------------------------------------------- frames in

    def handle(self, socket, frame):
        self.received.append(frame)
        match frame["type"]:
            case "hello":
                self.hellos.append(frame)
                socket.push(self._welcome())
            case "auth":
                socket.push(self._welcome())
            case "open":
                self._open(socket, frame)
            case "leave":
                socket.following.discard(frame["user_chat_id"])
            case _:
                self._command(socket, frame)
        if not self.hold_turns:
            while self.step():
                pass

    def _welcome(self):
        return {
            "type": "welcome",
            "socket_connection_id": f"socket_{next(self.numbers)}",
            "user_id": "user_1",
            "heartbeat_seconds": self.heartbeat_seconds,
            "limits": {"max_frame_bytes": 262144, "max_content_bytes": 32768},
            "server_time": "2026-01-01T00:00:00.000Z",
            **self.welcome,
        }

    def _open(self, socket, frame):
        chat_id = frame["user_chat_id"]
        if self._refused(socket, frame):
            return
        created = chat_id not in self.events
        if created:
            self.events[chat_id] = []
            self.append(chat_id, {"type": "chat", "status": "opened"})
        after = frame.get("after", 0)
        events = self.events[chat_id]
        if after and self._mismatch(events, after, frame.get("after_event")):
            after = 0
            socket.push({"type": "resync", "user_chat_id": chat_id, "reason": "event_mismatch"})
        if "last" in frame:
            after = max(after, len(events) - frame["last"])
        socket.push(self._opened(frame, events, created=created, after=after))
        for event in events[after:]:
            socket.push(event)
        socket.push({"type": "caught_up", "user_chat_id": chat_id, "position": len(events)})
        socket.following.add(chat_id)

    def _mismatch(self, events, after, event_id):
        return after > len(events) or event_id not in (None, events[after - 1]["event_id"])

    def _opened(self, frame, events, *, created, after):
        return {
            "type": "opened",
            "id": frame["id"],
            "user_chat_id": frame["user_chat_id"],
            "created": created,
            "status": "open",
            "position": len(events),
            "from": after,
            "intent": None,
            "session": None,
            "turn": self._running(events),
            "resumable": [],
        }

    def _running(self, events):
        turns = [event for event in events if event["type"] == "turn"]
        if not turns or turns[-1]["status"] in RUNNING_ENDS:
            return None
        return {"message_id": turns[-1]["caused_by"], "attempt": turns[-1]["attempt"]}

    def _refused(self, socket, frame):
        if not self.refusals:
            return False
        refusal = self.refusals.pop(0)
        if refusal is None:
            return False
        named = {"id": frame["id"], "user_chat_id": frame["user_chat_id"], "message": "no"}
        socket.push({"type": "rejected", **named, **refusal})
        return True

    def _command(self, socket, frame):
        chat_id, command_id = frame["user_chat_id"], frame["id"]
        ack = {"type": "ack", "id": command_id, "user_chat_id": chat_id}
        if command_id in self.stored:
            socket.push({**ack, "position": self.stored[command_id], "duplicate": True})
            return
        if self._refused(socket, frame):
            return
        events = self.events[chat_id]
        self.stored[command_id] = len(events) + 1
        socket.push({**ack, "position": len(events) + 1})
        if frame["type"] == "send":
            user = {"type": "user", "message_id": command_id, "content": frame["content"]}
            self._turn_of(chat_id, command_id, frame["content"], user)
        elif frame["type"] == "submit":
            named = {"message_id": command_id, "component_id": frame["component_id"]}
            submitted = {"type": "component_submitted", **named, "values": frame["values"]}
            self._turn_of(chat_id, command_id, "a form", submitted)
        elif frame["type"] == "retry":
            self._turn_of(chat_id, command_id, "once more")
        elif frame["type"] == "close":
            self.append(chat_id, {"type": "chat", "status": "closed"})
        else:
            self.stored[command_id] = len(events)

    # ------------------------------------------------------------------------- the agent

    def _turn_of(self, chat_id, message_id, content, *events):
        for event in events:
            self._event_of(chat_id, message_id, event)
        self.work.append(lambda: self._event_of(chat_id, message_id, self._turn("started")))
        answer, answer_id = self.answer(content), f"msg_{next(self.numbers)}"
        half = len(answer) // 2
        for offset, text in ((0, answer[:half]), (half, answer[half:])):
            self.work.append(lambda o=offset, t=text: self._delta(chat_id, answer_id, o, t))
        for event in (
            {
                "type": "thinking",
                "step": "intent_processing",
                "status": "completed",
                "content": "…",
            },
            {"type": "partial", "message_id": answer_id, "offset": 0, "text": answer[:half]},
            {
                "type": "response",
                "message_id": answer_id,
                "content": answer,
                "is_complete": False,
                "follow_up": False,
            },
            *self.shows,
            self._turn("finished"),
        ):
            self.work.append(lambda e=event: self._event_of(chat_id, message_id, e))
        self.shows = []

    def _turn(self, status):
        return {"type": "turn", "status": status, "attempt": 1}

    def _event_of(self, chat_id, message_id, event):
        self.append(chat_id, {"caused_by": message_id, "user_intent_id": "intent_1", **event})

    def step(self):
        """Let the agent do one thing; whether there was any."""
        if not self.work:
            return False
        self.work.pop(0)()
        return True

    def append(self, chat_id, event):
        events = self.events[chat_id]
        number = next(self.numbers)
        event = {
            **event,
            "user_chat_id": chat_id,
            "position": len(events) + 1,
            "event_id": f"evt_{number}",
            "timestamp": f"2026-01-01T00:00:{number // 1000 % 60:02}.{number % 1000:03}Z",
            "user_id": "user_1",
        }
        events.append(event)
        self._tell(chat_id, event)

    def _delta(self, chat_id, message_id, offset, text):
        delta = {"type": "delta", "user_chat_id": chat_id, "message_id": message_id}
        self._tell(chat_id, {**delta, "offset": offset, "text": text})

    def _tell(self, chat_id, frame):
        for socket in self.sockets:
            if chat_id in socket.following:
                socket.push(frame)

    # ------------------------------------------------------------------------- connections

    def connected(self):
        socket = Socket()
        self.sockets.append(socket)
        return socket

    def gone(self, socket):
        if socket in self.sockets:
            self.sockets.remove(socket)

    def cut_all(self, code=None):
        """Every connection ends; without a code as if the cable was pulled."""
        for socket in tuple(self.sockets):
            socket.close(code or 0)
            self.gone(socket)

    def user_texts(self, chat_id):
        return [event["content"] for event in self.events[chat_id] if event["type"] == "user"]


class MemoryTransport:
    """A connection to ``Chats`` without a socket."""

    def __init__(self, chats):
        self._chats = chats
        self._socket = chats.connected()

    async def send(self, message):
        self._check()
        self._chats.handle(self._socket, json.loads(message))

    async def receive(self):
        while not self._socket.out:
            self._check()
            self._socket.moved.clear()
            await self._socket.moved.wait()
        batch, self._socket.out = self._socket.out, []
        return json.dumps(batch)

    async def close(self):
        self._chats.gone(self._socket)

    def _check(self):
        if self._socket.close_code is not None:
            raise TransportLost(self._socket.close_code or None)


def connector(chats, *, down=lambda: False):
    """``connect`` for a client; there is no server while ``down()``."""

    async def connect(_url):
        await asyncio.sleep(0)
        if down():
            raise TransportLost(None, "refused")
        return MemoryTransport(chats)

    return connect


@asynccontextmanager
async def serve(chats):
    """``chats`` behind a real WebSocket on a free port; gives its URL."""

    async def talk(connection):
        socket = chats.connected()
        sending = asyncio.create_task(_send(connection, socket))
        try:
            async for message in connection:
                chats.handle(socket, json.loads(message))
        except ConnectionClosed:
            pass
        finally:
            chats.gone(socket)
            sending.cancel()

    async with serve_websocket(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/api/v1/chat/ws/chat"


async def _send(connection, socket):
    try:
        while True:
            await socket.moved.wait()
            socket.moved.clear()
            while socket.out:
                await connection.send(json.dumps(socket.out.pop(0)))
            if socket.close_code == 0:
                connection.transport.abort()
            elif socket.close_code is not None:
                await connection.close(socket.close_code)
    except ConnectionClosed:
        return
