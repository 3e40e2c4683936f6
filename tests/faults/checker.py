"""What must be true of every history: nothing lost, doubled, skipped, reordered or disagreeing.

Pure functions from a `History` to the violations in it. Positions without gaps make each check
one walk: a reader expects the next number, and the final log says what stands there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from tests.faults.history import (
    Answered,
    Began,
    CaughtUp,
    Event,
    Grew,
    History,
    Lost,
    Reading,
    Saw,
    Sent,
    event,
)

ENDS = {"finished", "needs_input", "cancelled", "failed"}
MESSAGES = {"user", "component_submitted"}


class Violation(Struct, frozen=True):
    """One promise broken: which, in which chat, and what was seen."""

    kind: str
    chat: str
    what: str


Found = Iterator[Violation]


def check(history: History) -> list[Violation]:
    """Every violation in the history; none for a right server."""
    return [violation for law in LAWS for violation in law(history)]


# -- commands ----------------------------------------------------------------------------------


def lost(history: History) -> Found:
    """G1: what was acked stands in the log, at the position that the ack named."""
    places = {chat: _places(log) for chat, log in history.log.items()}
    for ack in _acks(history):
        place = places.get(ack.chat, {}).get(ack.id)
        if place is None and ack.id.startswith("send_"):
            yield Violation("lost", ack.chat, f"{ack.id} was acked at {ack.position}")
        elif place is not None and place != ack.position:
            yield Violation("moved", ack.chat, f"{ack.id}: acked {ack.position}, stands at {place}")
        elif (ack.position or 0) > len(history.log.get(ack.chat, ())):
            yield Violation("lost", ack.chat, f"{ack.id} was acked beyond the end, {ack.position}")


def doubled(history: History) -> Found:
    """G2: a command is stored once."""
    for chat, log in history.log.items():
        ids = Counter(one.message_id for one in map(event, log) if one.type in MESSAGES)
        for message_id, times in ids.items():
            if times > 1:
                yield Violation("doubled", chat, f"{message_id} is stored {times} times")


def answers(history: History) -> Found:
    """G2, G6: one answer for each time a command is sent, and acks that agree."""
    sent = Counter((one.connection, one.id) for one in history.sent)
    came = Counter((one.connection, one.id) for one in history.answered)
    chats = {one.id: one.chat for one in [*history.sent, *history.answered]}
    for connection, command_id in sent.keys() | came.keys():
        times, answered = sent[connection, command_id], came[connection, command_id]
        if answered > times or (connection in history.calm and answered < times):
            what = f"{command_id} on {connection}: {times} sent, {answered} answered"
            yield Violation("answers", chats[command_id], what)
    positions: dict[str, set[int | None]] = defaultdict(set)
    for ack in _acks(history):
        positions[ack.id].add(ack.position)
    for command_id, named in positions.items():
        if len(named) > 1:
            yield Violation("answers", chats[command_id], f"{command_id} acked at {named}")


def refused(history: History) -> Found:
    """What is refused may be sent again: nothing that a workload sends is wrong."""
    for one in history.answered:
        if one.position is None and one.code not in {"unavailable", "overloaded"}:
            yield Violation("refused", one.chat, f"{one.id}: {one.code}")


def unanswered(history: History) -> Found:
    """G6: in the end every command was acked by somebody."""
    acked = {ack.id for ack in _acks(history)}
    for command_id, chat in {one.id: one.chat for one in history.sent}.items():
        if command_id not in acked:
            yield Violation("unanswered", chat, f"{command_id} has no ack")


def real_time(history: History) -> Found:
    """G5: what is sent after an ack came stands above what was acked."""
    first_sent: dict[tuple[str, str], float] = {}
    for one in history.sent:
        first_sent.setdefault((one.chat, one.id), one.at)
    acked = {chat: (times, highest) for chat, times, highest in _acked_by_time(history)}
    for ack in _acks(history):
        sent_at = first_sent.get((ack.chat, ack.id))
        if sent_at is None or not ack.id.startswith("send_"):
            continue
        times, highest = acked[ack.chat]
        before = bisect_right(times, sent_at) - 1
        if before >= 0 and highest[before] >= (ack.position or 0):
            what = f"{ack.id} at {ack.position}, {highest[before]} was acked before it was sent"
            yield Violation("real time", ack.chat, what)


def sent_order(history: History) -> Found:
    """G5: commands of one connection to one chat are stored in the order sent."""
    # What was refused for now is sent again, behind what was sent after it.
    again = {(one.connection, one.id) for one in history.answered if one.position is None}
    position = {
        (ack.connection, ack.id): ack.position
        for ack in _acks(history)
        if not ack.duplicate
        and ack.id.startswith("send_")
        and (ack.connection, ack.id) not in again
    }
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for one in sorted(history.sent, key=_by_connection):
        place = position.pop((one.connection, one.id), None)
        if place is None:
            continue
        before, other = newest.get((one.connection, one.chat), (0, ""))
        if place <= before:
            what = f"{one.id} at {place} was sent after {other} at {before}"
            yield Violation("reordered", one.chat, what)
        newest[one.connection, one.chat] = max((place, one.id), (before, other))


def _by_connection(one: Sent) -> tuple[str, int]:
    return one.connection, one.number


def _acked_by_time(history: History) -> Iterator[tuple[str, list[float], list[int]]]:
    """For each chat: when acks came, and the highest position acked until then."""
    by_chat: dict[str, list[Answered]] = defaultdict(list)
    for ack in _acks(history):
        by_chat[ack.chat].append(ack)
    for chat, acks in by_chat.items():
        acks.sort(key=lambda ack: ack.at)
        highest: list[int] = []
        for ack in acks:
            highest.append(max(ack.position or 0, highest[-1] if highest else 0))
        yield chat, [ack.at for ack in acks], highest


def _acks(history: History) -> list[Answered]:
    return [one for one in history.answered if one.position is not None]


def _places(log: Sequence[bytes]) -> dict[str | None, int]:
    return {one.message_id: one.position for one in map(event, log) if one.type in MESSAGES}


# -- readers -----------------------------------------------------------------------------------


def whole_log(history: History) -> Found:
    """G3: the positions of a chat are 1..n."""
    for chat, log in history.log.items():
        positions = [one.position for one in map(event, log)]
        if positions != list(range(1, len(log) + 1)):
            yield Violation("gap", chat, f"the log has the positions {positions[:20]} …")


def walks(history: History) -> Found:
    """G4: each reader gets the next position, from where it asked to start."""
    for reading in history.readings:
        yield from _walk(reading)


def _walk(reading: Reading) -> Found:
    position = 0
    for item in reading.items:
        match item:
            case Began():
                if item.resync is not None:
                    yield _seen("resync", reading, f"{item.resync} after {item.asked}")
                elif item.start != item.asked:
                    yield _seen("gap", reading, f"asked after {item.asked}, got {item.start}")
                position = item.start
            case Saw(position=at):
                if at != position + 1:
                    kind = "doubled" if at <= position else "gap"
                    yield _seen(kind, reading, f"{at} follows {position}")
                position = max(position, at)
            case CaughtUp(position=at):
                if at != position:
                    yield _seen("gap", reading, f"caught up at {at}, has {position}")
            case Grew() | Lost():
                pass


def agreement(history: History) -> Found:
    """G3: a position is the same bytes for every reader."""
    for reading in history.readings:
        log = history.log.get(reading.chat, [])
        for item in reading.items:
            if not isinstance(item, Saw):
                continue
            if item.position > len(log):
                yield _seen("disagreement", reading, f"{item.position} is not in the log")
            elif item.data != log[item.position - 1]:
                yield _seen("disagreement", reading, f"other bytes at {item.position}")


def reached_the_end(history: History) -> Found:
    """Nobody is forgotten: a reader that stayed has the whole log."""
    for reading in history.readings:
        last = max((one.position for one in reading.items if isinstance(one, Saw)), default=0)
        end = len(history.log.get(reading.chat, ()))
        if reading.complete and last < end:
            yield _seen("stuck", reading, f"has {last} of {end}")


def opened_late_enough(history: History) -> Found:
    """G5: `opened.position` is at least all that was acked before the `open`."""
    acked = {chat: (times, highest) for chat, times, highest in _acked_by_time(history)}
    for reading in history.readings:
        times, highest = acked.get(reading.chat, ([], []))
        for item in reading.items:
            if not isinstance(item, Began) or item.position is None:
                continue
            before = bisect_right(times, item.asked_at) - 1
            if before >= 0 and highest[before] > item.position:
                what = f"opened at {item.position}, {highest[before]} was acked before"
                yield _seen("real time", reading, what)


def _seen(kind: str, reading: Reading, what: str) -> Violation:
    return Violation(kind, reading.chat, f"{reading.reader}: {what}")


# -- answers in progress -----------------------------------------------------------------------


def streams(history: History) -> Found:
    """Section 8: deltas, partials and the response of a message are one text."""
    texts = {chat: _texts(map(event, log)) for chat, log in history.log.items()}
    for chat, log in history.log.items():
        yield from _partials(chat, map(event, log))
    for reading in history.readings:
        yield from _deltas(reading, texts.get(reading.chat, {}))


def _texts(events: Iterator[Event]) -> dict[str, str]:
    """What each message says: its response, else what its partials add up to."""
    texts: dict[str, str] = defaultdict(str)
    for one in events:
        if one.message_id is None:
            continue
        if one.type == "partial":
            texts[one.message_id] += one.text or ""
        elif one.type == "response":
            texts[one.message_id] = one.content or ""
    return texts


def _partials(chat: str, events: Iterator[Event]) -> Found:
    sizes: dict[str | None, int] = defaultdict(int)
    for one in events:
        if one.type != "partial":
            continue
        if one.offset != sizes[one.message_id]:
            what = f"partial of {one.message_id} at {one.offset}, {sizes[one.message_id]} stored"
            yield Violation("stream", chat, what)
        sizes[one.message_id] += len(one.text or "")


def _deltas(reading: Reading, texts: dict[str, str]) -> Found:
    answered: set[str | None] = set()
    for item in reading.items:
        if isinstance(item, Saw):
            one = event(item.data)
            if one.type == "response":
                answered.add(one.message_id)
        elif isinstance(item, Grew):
            if item.message_id in answered:
                yield _seen("stream", reading, f"a delta after the response {item.message_id}")
            # An answer that a crash cut has no more than its partials: compare what both have.
            known = texts.get(item.message_id, "")[item.offset :]
            shared = min(len(known), len(item.text))
            if known[:shared] != item.text[:shared]:
                what = f"{item.message_id} at {item.offset}: {item.text!r}, stored {known[:40]!r}"
                yield _seen("stream", reading, what)


# -- turns -------------------------------------------------------------------------------------


def turns(history: History) -> Found:
    """G7: each message has one turn, that ends once, and the agent's steps are stored once."""
    for chat, log in history.log.items():
        by_cause: dict[str, list[Event]] = defaultdict(list)
        for one in map(event, log):
            if one.caused_by is not None and one.type not in MESSAGES:
                by_cause[one.caused_by].append(one)
            elif one.type in MESSAGES and one.message_id is not None:
                by_cause[one.message_id] += []
        for cause, steps in by_cause.items():
            yield from (Violation("turn", chat, f"{cause}: {what}") for what in _wrong(steps))


def _wrong(steps: Sequence[Event]) -> Iterator[str]:
    changes = [one for one in steps if one.type == "turn"]
    starts = [one for one in changes if one.status == "started"]
    ends = [one for one in changes if one.status in ENDS]
    if len(starts) != 1:
        yield f"{len(starts)} starts"
    if len(ends) != 1:
        yield f"{len(ends)} ends"
    elif steps[-1] is not ends[0] and ends[0].status in ENDS:
        after = [one.type for one in steps if one.position > ends[0].position]
        yield f"{after} after its end at {ends[0].position}"
    attempts = [one.attempt for one in changes if one.status in {"started", "restarted"}]
    if attempts != list(range(1, len(attempts) + 1)):
        yield f"the attempts {attempts}"
    yield from _repeated(steps)


def _repeated(steps: Sequence[Event]) -> Iterator[str]:
    """The agent of the workload thinks once and answers once an attempt."""
    seen: Counter[str] = Counter()
    for one in steps:
        if one.type == "turn" and one.status == "restarted":
            seen.clear()
        seen[one.type] += 1
        if one.type in {"response", "thinking"} and seen[one.type] > 1:
            yield f"{seen[one.type]} {one.type}s in one attempt"
    finished = any(one.type == "turn" and one.status == "finished" for one in steps)
    if finished and not any(one.type == "response" for one in steps):
        yield "finished without an answer"


LAWS: tuple[Callable[[History], Found], ...] = (
    lost,
    doubled,
    answers,
    refused,
    unanswered,
    real_time,
    sent_order,
    whole_log,
    walks,
    agreement,
    reached_the_end,
    opened_late_enough,
    streams,
    turns,
)
