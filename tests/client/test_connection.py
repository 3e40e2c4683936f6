"""The client's connection over a server in memory, in virtual time."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from fake_server import Chats, connector
from virtual_time import run

from chatstream.client import (
    ChatClient,
    ClientClosed,
    Closed,
    CommandRejected,
    Connecting,
    Forgotten,
    Idle,
    Live,
    Waiting,
)


def client_of(chats, **options):
    options.setdefault("connect", connector(chats))
    return ChatClient("ws://server", random=lambda: 0.5, **options)


def seconds():
    return asyncio.get_running_loop().time()


async def live(client):
    await client.until(lambda state: isinstance(state, Live))


def test_a_message_is_acked_and_answered():
    async def story():
        async with client_of(Chats()) as client:
            chat = await client.open()
            ack = await chat.send("hello")
            answer = await chat.answer_to(ack)
            assert (ack.position, ack.duplicate) == (2, False)
            assert (answer.status, answer.content) == ("finished", "Echo: hello 🎉")
            assert [message.content for message in chat.view.messages] == [
                "hello",
                "Echo: hello 🎉",
            ]

    run(story())


def test_many_chats_go_over_one_connection():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            first, second = await client.open("a"), await client.open("b")
            await asyncio.gather(first.send("one"), second.send("two"))
            assert chats.user_texts("a") == ["one"]
            assert chats.user_texts("b") == ["two"]
            assert len(chats.hellos) == 1

    run(story())


def test_what_is_sent_while_there_is_no_server_is_sent_when_there_is():
    async def story():
        chats, server_down = Chats(), True
        async with client_of(chats, connect=connector(chats, down=lambda: server_down)) as client:
            chat = client.follow("a")
            waiting = asyncio.gather(*(chat.send(text) for text in "abc"))
            await client.until(lambda state: isinstance(state, Waiting) and state.attempt == 4)
            assert len(chat.pending) == 3
            server_down = False
            await waiting
            assert chats.user_texts("a") == ["a", "b", "c"]
            assert chat.pending == ()

    run(story())


def test_tries_back_off_with_full_jitter_up_to_ten_seconds():
    async def story():
        chats, starts = Chats(), []

        async def connect(url):
            starts.append(seconds())
            return await connector(chats, down=lambda: len(starts) < 9)(url)

        async with client_of(chats, connect=connect) as client:
            await live(client)
        delays = [round(after - before, 3) for before, after in itertools.pairwise(starts)]
        assert delays == [0.125, 0.25, 0.5, 1, 2, 4, 5, 5]

    run(story())


def test_a_server_that_accepts_and_drops_is_not_hammered():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            await client.open("a")
            attempts = []
            for _ in range(4):
                chats.cut_all()
                state = await client.until(lambda state: isinstance(state, Waiting))
                attempts.append(state.attempt)
                await live(client)
            assert attempts == [1, 2, 3, 4]
            await asyncio.sleep(5)
            chats.cut_all()
            state = await client.until(lambda state: isinstance(state, Waiting))
            assert state.attempt == 1

    run(story())


def test_a_message_whose_ack_was_lost_is_sent_again_with_the_same_id_and_stored_once():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            handle = chats.handle

            def store_and_cut(socket, frame):
                handle(socket, frame)
                if frame["type"] == "send":
                    socket.out.clear()
                    chats.cut_all()
                    chats.handle = handle

            chats.handle = store_and_cut
            ack = await chat.send("once")
            assert ack.duplicate
            assert ack.position == 2
            assert (await chat.answer_to(ack)).content == "Echo: once 🎉"
            sent = [frame["id"] for frame in chats.received if frame["type"] == "send"]
            assert sent == [ack.id, ack.id]
            assert chats.user_texts("a") == ["once"]

    run(story())


def test_after_a_loss_the_chat_is_opened_from_its_cursor_with_the_event_it_holds():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            await chat.answer_to(await chat.send("one"))
            position, event_id = chat.view.position, chat.view.event_id
            chats.cut_all()
            chats.append("a", {"type": "chat", "status": "opened"})
            await chat.until(lambda view: view.position == position + 1)
            reopened = [frame for frame in chats.received if frame["type"] == "open"][-1]
            assert (reopened["after"], reopened["after_event"]) == (position, event_id)

    run(story())


def test_events_come_once_and_in_order_across_reconnects():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")

            async def read():
                return [event.position async for event in chat.events()]

            reading = asyncio.create_task(read())
            for number in range(5):
                await chat.send(f"message {number}")
                chats.cut_all()
                await live(client)
            await chat.until(lambda view: view.position == len(chats.events["a"]))
            chat.leave()
            assert await reading == [*range(1, len(chats.events["a"]) + 1)]

    run(story())


@pytest.mark.parametrize("code", ["unavailable", "overloaded", "rate_limited"])
def test_a_refusal_for_now_is_tried_again_in_order(code):
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            chats.refusals = [{"code": code, "retry_after": 3}, {"code": code}]
            start = seconds()
            await asyncio.gather(chat.send("first"), chat.send("second"))
            assert chats.user_texts("a") == ["first", "second"]
            assert seconds() - start == pytest.approx(4)

    run(story())


def test_a_refusal_for_good_is_raised_and_the_next_message_goes_on():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            chats.refusals = [{"code": "invalid_content"}]
            bad, good = chat.send(""), chat.send("good")
            outcome = await asyncio.gather(bad, good, return_exceptions=True)
            assert isinstance(outcome[0], CommandRejected)
            assert outcome[0].code == "invalid_content"
            assert chats.user_texts("a") == ["good"]

    run(story())


def test_a_refusal_without_an_id_belongs_to_the_only_command_under_way():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            chats.refusals = [{"code": "invalid_frame", "id": None}]
            with pytest.raises(CommandRejected):
                await chat.submit("cmp_1", {"deep": []})

    run(story())


def test_a_chat_of_somebody_else_is_refused():
    async def story():
        chats = Chats()
        chats.refusals = [{"code": "not_found"}]
        async with client_of(chats) as client:
            with pytest.raises(CommandRejected, match="not_found"):
                await client.open("theirs")
            assert (await client.open("theirs")).view.position == 1

    run(story())


def test_an_open_that_is_unavailable_is_tried_again():
    async def story():
        chats = Chats()
        chats.refusals = [{"code": "unavailable"}]
        async with client_of(chats) as client:
            assert (await client.open("a")).view.position == 1

    run(story())


def test_a_frame_that_is_too_large_is_not_sent():
    async def story():
        chats = Chats()
        chats.welcome = {"limits": {"max_frame_bytes": 200, "max_content_bytes": 100}}
        async with client_of(chats) as client:
            chat = await client.open("a")
            with pytest.raises(CommandRejected, match="too_large"):
                await chat.send("x" * 200)
            await chat.send("small")
            assert chats.user_texts("a") == ["small"]

    run(story())


def test_a_frame_on_which_the_server_closed_is_not_sent_again():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            handle = chats.handle

            def close_on_send(socket, frame):
                if frame.get("content") == "large":
                    chats.cut_all(1009)
                else:
                    handle(socket, frame)

            chats.handle = close_on_send
            with pytest.raises(CommandRejected, match="too_large"):
                await chat.send("large")
            await chat.send("small")
            assert chats.user_texts("a") == ["small"]

    run(story())


def test_a_silent_server_is_left_after_two_heartbeats_and_five_seconds():
    async def story():
        chats = Chats(heartbeat_seconds=20)
        async with client_of(chats) as client:
            await client.open("a")
            start = seconds()
            await client.until(lambda state: isinstance(state, Waiting))
            assert seconds() - start == pytest.approx(45)
            await live(client)

    run(story())


def test_a_heartbeat_keeps_the_connection():
    async def story():
        chats = Chats(heartbeat_seconds=20)
        async with client_of(chats) as client:
            await client.open("a")
            for _ in range(10):
                await asyncio.sleep(20)
                chats.sockets[0].push({"type": "heartbeat"})
            assert isinstance(client.state, Live)
            assert len(chats.hellos) == 1

    run(story())


def test_a_draining_server_says_when_to_come_back():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            await client.open("a")
            chats.sockets[0].push({"type": "drain", "retry_after_ms": 7300})
            await asyncio.sleep(0)
            chats.cut_all(1012)
            state = await client.until(lambda state: isinstance(state, Waiting))
            assert state.retry_at - seconds() == pytest.approx(7.3)
            await live(client)

    run(story())


def test_a_crowded_out_client_waits_a_minute():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            await client.open("a")
            chats.cut_all(4429)
            state = await client.until(lambda state: isinstance(state, Waiting))
            assert state.retry_at - seconds() == pytest.approx(60)

    run(story())


def test_a_nudge_ends_the_wait():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            await client.open("a")
            chats.cut_all(4429)
            await client.until(lambda state: isinstance(state, Waiting))
            start = seconds()
            client.retry_now()
            await live(client)
            assert seconds() == start

    run(story())


def test_after_an_idle_close_the_client_comes_back_when_something_is_to_be_said():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            chats.cut_all(4410)
            await client.until(lambda state: isinstance(state, Idle))
            await asyncio.sleep(3600)
            assert isinstance(client.state, Idle)
            await chat.send("back")
            assert chats.user_texts("a") == ["back"]

    run(story())


@pytest.mark.parametrize("code", [1002, 1007, 4400])
def test_a_terminal_close_is_the_end_and_everyone_hears_it(code):
    async def story():
        chats = Chats(hold_turns=True)
        async with client_of(chats) as client:
            chat = await client.open("a")
            ack = await chat.send("hello")
            waiting = asyncio.create_task(chat.answer_to(ack))
            await asyncio.sleep(0)
            chats.cut_all(code)
            with pytest.raises(ClientClosed, match="protocol"):
                await waiting
            assert client.state == Closed("protocol")
            with pytest.raises(ClientClosed):
                await chat.send("late")
            with pytest.raises(ClientClosed):
                await client.open("b")

    run(story())


def test_a_refused_token_is_replaced_once():
    async def story():
        chats, tokens = Chats(), iter(["old", "new"])

        async def get_token():
            return next(tokens)

        async with client_of(chats, get_token=get_token) as client:
            await client.open("a")
            chats.cut_all(4401)
            await client.until(lambda state: isinstance(state, Connecting))
            await live(client)
            assert [hello["token"] for hello in chats.hellos] == ["old", "new"]

    run(story())


def test_a_second_refusal_of_the_token_is_the_end():
    async def story():
        chats, asked = Chats(), []

        async def get_token():
            asked.append(1)
            return "bad"

        def refuse(socket, _frame):
            socket.close(4401)

        chats.handle = refuse
        async with client_of(chats, get_token=get_token) as client:
            await client.until(lambda state: isinstance(state, Closed))
            assert client.state == Closed("unauthenticated")
            assert len(asked) == 2

    run(story())


def test_a_refused_token_without_another_is_the_end():
    async def story():
        chats = Chats()
        async with client_of(chats, token="mine") as client:
            await client.open("a")
            chats.cut_all(4401)
            await client.until(lambda state: isinstance(state, Closed))

    run(story())


def test_whoever_gives_tokens_may_be_down_for_a_while(caplog):
    async def story():
        chats, tries = Chats(), []

        async def get_token():
            tries.append(1)
            if len(tries) < 3:
                raise ConnectionError("no token server")
            return "token"

        async with client_of(chats, get_token=get_token) as client:
            await live(client)
            assert chats.hellos[0]["token"] == "token"

    run(story())
    assert "no token could be had" in caplog.text


def test_a_token_is_replaced_before_it_expires():
    async def story():
        chats, tokens = Chats(heartbeat_seconds=1000), iter(["first", "second"])
        chats.welcome = {"token_expires_at": "2026-01-01T00:10:00.000Z"}

        async def get_token():
            return next(tokens)

        async with client_of(chats, get_token=get_token) as client:
            await live(client)
            await asyncio.sleep(600 * 0.9 + 1)
            assert chats.received[-1] == {"type": "auth", "token": "second"}
            assert isinstance(client.state, Live)

    run(story())


def test_a_visitor_keeps_the_identity_that_the_server_gave():
    async def story():
        chats = Chats()
        chats.welcome = {"token": "visitor"}
        async with client_of(chats) as client:
            await live(client)
            assert client.token == "visitor"
            chats.cut_all()
            await client.until(lambda state: isinstance(state, Waiting))
            await live(client)
            assert chats.hellos[1]["token"] == "visitor"

    run(story())


def test_a_resync_starts_the_chat_anew_and_says_so_to_readers():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            await chat.answer_to(await chat.send("one"))
            events = chat.events(after=chat.view.position)
            reading = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            chats.events["a"][-1] = {**chats.events["a"][-1], "event_id": "evt_other"}
            chats.cut_all()
            with pytest.raises(Forgotten):
                await reading
            await chat.caught_up()
            assert [event.position async for event in first(chat.events(), 3)] == [1, 2, 3]
            assert chat.view.event_id == "evt_other"

    run(story())


async def first(events, count):
    async for event in events:
        yield event
        count -= 1
        if not count:
            return


def test_only_the_newest_events_are_read_if_so_wanted():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            writer = await client.open("a")
            await writer.answer_to(await writer.send("one"))
        async with client_of(chats) as client:
            chat = await client.open("a", last=2)
            newest = len(chats.events["a"])
            held = [event.position async for event in first(chat.events(), 2)]
            assert held == [newest - 1, newest]
            with pytest.raises(Forgotten):
                await anext(chat.events(after=0))

    run(story())


def test_a_chat_that_was_left_hears_nothing_more_and_can_be_followed_again():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            chat.leave()
            with pytest.raises(ClientClosed):
                await chat.send("gone")
            await asyncio.sleep(1)
            assert chats.received[-1] == {"type": "leave", "user_chat_id": "a"}
            again = await client.open("a")
            assert again is not chat
            await again.send("here")

    run(story())


def test_an_answer_that_will_never_come_because_the_chat_closed_is_an_error():
    async def story():
        chats = Chats(hold_turns=True)
        async with client_of(chats) as client:
            chat = await client.open("a")
            ack = await chat.send("one")
            waiting = asyncio.create_task(chat.answer_to(ack))
            await chat.close()
            with pytest.raises(ClientClosed, match="closed"):
                await waiting

    run(story())


def test_garbage_from_the_server_is_a_loss_like_any_other():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            await client.open("a")
            chats.sockets[0].push({"no": "type"})
            await client.until(lambda state: isinstance(state, Waiting))
            await live(client)

    run(story())


def test_unknown_frames_are_passed_over_and_unknown_events_move_the_cursor():
    async def story():
        chats = Chats()
        async with client_of(chats) as client:
            chat = await client.open("a")
            chats.sockets[0].push({"type": "confetti", "colour": "red"})
            chats.append("a", {"type": "hologram", "shape": [1]})
            await chat.answer_to(await chat.send("still here"))
            assert chat.view.position == len(chats.events["a"])

    run(story())


def test_a_caller_that_stops_waiting_takes_nothing_back():
    async def story():
        chats, server_down = Chats(), True
        async with client_of(chats, connect=connector(chats, down=lambda: server_down)) as client:
            chat = client.follow("a")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await chat.send("stays")
            server_down = False
            await chat.send("second")
            assert chats.user_texts("a") == ["stays", "second"]

    run(story())
