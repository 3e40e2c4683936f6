"""A chat of any length in the page without a server behind it, and the work that drawing it takes.

`IN_PAGE` goes in before the page's own scripts. It answers the widget's socket out of a list of
events, and it hands the frames of the screen to the test: `screen.next()` runs what waits for one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHAT = "chat_scripted"
ANSWER = "msg_live"
PIECE_CHARACTERS = 12
TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline.invalidationTracking"]
MARKDOWN = """## A plan for Lisbon

Three days at an **easy pace**, with *time* for [tram 28](https://example.com/tram) and `pastéis`.

1. Alfama and the castle in the morning
2. Belém: the tower and the monastery
   - by train, not by car
3. A day trip to Sintra

| Day | Start | Walking |
|:----|:-----:|--------:|
| One | 09:30 | 6 km |
| Two | 10:00 | 4 km |

```python
def budget(days: int, a_day: float = 85.0) -> float:
    return round(days * a_day, 2)
```

> Trains to Sintra leave every twenty minutes from Rossio.

"""


def pieces(count: int) -> list[str]:
    """A markdown answer in `count` pieces of equal length."""
    length = count * PIECE_CHARACTERS
    text = (MARKDOWN * (length // len(MARKDOWN) + 1))[:length]
    return [text[at : at + PIECE_CHARACTERS] for at in range(0, length, PIECE_CHARACTERS)]


def history(events: int) -> list[dict[str, Any]]:
    """A chat of at least `events` events, its last turn in the middle of an answer."""
    told = [_event(1, type="chat", status="opened")]
    while len(told) < events - 3:
        told += _turn(len(told), f"m{len(told)}")
    return told + _begun(len(told), "live")


def _turn(held: int, message: str) -> list[dict[str, Any]]:
    intent = {"user_intent_id": f"intent_{message}", "caused_by": message}
    answer = {"content": f"Answer **{held}**", "is_complete": True, "follow_up": False}
    begun = _begun(held, message)
    rest = [
        {"type": "thinking", "step": "writing", "status": "completed", "content": "Writing"},
        {"type": "response", "message_id": f"msg_{message}", **answer},
        {"type": "intent", "status": "complete"},
        {"type": "turn", "status": "finished", "attempt": 1},
    ]
    first = held + len(begun) + 1
    return begun + [_event(first + n, **fields, **intent) for n, fields in enumerate(rest)]


def _begun(held: int, message: str) -> list[dict[str, Any]]:
    intent = {"user_intent_id": f"intent_{message}"}
    cause = {**intent, "caused_by": message}
    return [
        _event(held + 1, type="user", message_id=message, content=f"Message {held}", **intent),
        _event(held + 2, type="turn", status="started", attempt=1, **cause),
        _event(held + 3, type="intent", status="active", **cause),
    ]


def _event(position: int, **fields: object) -> dict[str, Any]:
    minutes, seconds = divmod(position, 60)
    at = f"2026-11-23T{minutes // 60 % 24:02}:{minutes % 60:02}:{seconds:02}.000Z"
    return {
        "user_chat_id": CHAT,
        "position": position,
        "event_id": f"evt_{position}",
        "timestamp": at,
        "user_id": "visitor",
        **fields,
    }


@dataclass(frozen=True)
class Work:
    """What the browser did for some pieces of an answer."""

    pieces: int
    styles: int
    """Elements whose style was looked up."""
    boxes: int
    """What had to be laid out anew."""
    layouts: int

    @property
    def a_piece(self) -> float:
        """Styles and boxes for one piece: the same on a busy machine as on an idle one."""
        return (self.styles + self.boxes) / self.pieces

    def __str__(self) -> str:
        styles, boxes = self.styles / self.pieces, self.boxes / self.pieces
        return f"{styles:.1f} styles and {boxes:.1f} boxes a piece in {self.layouts} layouts"


class Scripted:
    """The full page in `page`, showing `events`."""

    def __init__(self, page: Page, url: str, events: int) -> None:
        self.page = page
        self.events = history(events)
        page.add_init_script(f"window.script = {json.dumps(self.events)};{IN_PAGE}")
        page.goto(url)
        self.chat = page.wait_for_selector("chatstream-chat")
        page.wait_for_function("chat => chat.client?.chat.caught_up", arg=self.chat)
        page.wait_for_function(
            "chat => chat.shadowRoot.querySelector('chatstream-turn.running')", arg=self.chat
        )
        page.evaluate("screen.hold()")

    def stream(self, given: list[str]) -> float:
        """Let `given` arrive one by one, a frame of the screen each: the median milliseconds."""
        return self._run("draw", given)

    def work(self, given: list[str], how: Literal["draw", "append"] = "draw") -> Work:
        """What the browser does for `given`, drawn as an answer or as text that is only ever
        appended to, a paragraph for each block."""
        browser = self.page.context.browser
        assert browser is not None
        browser.start_tracing(page=self.page, categories=TRACED)
        self._run(how, given)
        events = json.loads(browser.stop_tracing())["traceEvents"]
        laid_out = [event["args"]["beginData"] for event in events if event["name"] == "Layout"]
        return Work(
            pieces=len(given),
            styles=sum(event["name"] == "StyleResolver::ResolveStyle" for event in events),
            boxes=sum(begun["dirtyObjects"] for begun in laid_out),
            layouts=len(laid_out),
        )

    def _run(self, how: str, given: list[str]) -> float:
        return float(self.page.evaluate(f"given => run.{how}(given)", given))


IN_PAGE = (
    f"""
Object.defineProperty(window, 'indexedDB', {{value: undefined}});
const CHAT = '{CHAT}', ANSWER = '{ANSWER}';"""
    """
localStorage.setItem(`chatstream:${location.origin}/api/v1:chat`, CHAT);

// ---- the socket
let socket;
const deliver = (...frames) => socket.onmessage({data: JSON.stringify(frames)});
window.WebSocket = class {
  constructor() {
    socket = this;
    setTimeout(() => this.onopen());
  }
  send(text) {
    const {type} = JSON.parse(text);
    const position = script.length;
    if (type === 'hello') setTimeout(deliver, 0, {
      type: 'welcome', socket_connection_id: 's', user_id: 'visitor', heartbeat_seconds: 3600,
      limits: {max_frame_bytes: 1e6, max_content_bytes: 1e6}, server_time: new Date().toISOString(),
    });
    if (type === 'open') setTimeout(deliver, 0, {
      type: 'opened', user_chat_id: CHAT, created: false, status: 'open', position, from: 0,
      intent: null, session: null, turn: {message_id: 'live', attempt: 1}, resumable: [],
    }, ...script, {type: 'caught_up', user_chat_id: CHAT, position});
  }
  close() {}
};

// ---- the screen
const native = window.requestAnimationFrame.bind(window);
const waiting = [];
let held = false;
window.requestAnimationFrame = (draw) => held ? waiting.push(draw) : native(draw);
window.screen = {
  hold: () => { held = true; },
  next: () => waiting.splice(0).forEach((draw) => draw(performance.now())),
};

// ---- the work
const settled = async () => { for (let turn = 0; turn < 8; turn += 1) await null; };
const median = async (given, scroller, piece) => {
  const costs = [];
  for (const text of given) {
    const began = performance.now();
    piece(text);
    await settled();
    screen.next();
    await settled();
    scroller.scrollHeight;
    costs.push(performance.now() - began);
  }
  return costs.sort((a, b) => a - b)[Math.floor(costs.length / 2)];
};
let offset = 0;
window.run = {
  draw: (given) => {
    const root = document.querySelector('chatstream-chat').shadowRoot;
    return median(given, root.querySelector('chatstream-log'), (text) => {
      deliver({type: 'delta', user_chat_id: CHAT, message_id: ANSWER, offset, text});
      offset += [...text].length;
    });
  },
  append: (given) => {
    const box = document.createElement('div');
    Object.assign(box.style, {position: 'fixed', inset: '0', overflow: 'auto', whiteSpace: 'pre-wrap'});
    document.body.append(box);
    let block = box.appendChild(document.createElement('p'));
    return median(given, box, (text) => requestAnimationFrame(() => {
      if (text.includes('\\n\\n')) block = box.appendChild(document.createElement('p'));
      block.append(text);
      box.scrollTop = box.scrollHeight;
    })).finally(() => box.remove());
  },
};
"""
)
