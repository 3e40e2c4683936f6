"""What becomes of one chat's commands: the machine alone, input by input.

Interleavings have a time line each. ``here`` is the node under test.
"""

from __future__ import annotations

from tests.chats.one_chat import OneChat, with_turn

from chatstream.chats.effects import (
    Answer,
    DecideInbox,
    DropFrames,
    Forward,
    Load,
    MoveReaders,
    PendingAppend,
    Publish,
    Refuse,
    Retry,
    TakeIn,
)
from chatstream.chats.pipeline import ANOTHER_WITHIN_S, RELOAD_AFTER_S, TRIES, Freshness
from chatstream.chats.policy import RunHere, SharedWriter
from chatstream.domain.commands import (
    ClearSession,
    EraseChat,
    FinishTurn,
    Streamed,
)
from chatstream.domain.steps import Thinking
from chatstream.errors import StaleTurn
from chatstream.eventstore.mapper import decode
from chatstream.eventstore.store import Conflict, Stored

BEYOND_THE_END = 99


def beside_others() -> OneChat:
    return OneChat(SharedWriter())


def thoughts(chat: OneChat) -> list[str]:
    found = [decode(row.topic, row.body) for row in chat.log.rows]
    return [one.content for one in found if hasattr(one, "step")]


# -- alone: order, and answers after their commit ---------------------------------------------


def test_a_command_is_appended_at_once_and_answered_when_it_is_on_disk():
    chat = OneChat()
    chat.take_effects()
    sent = chat.submit(chat.send("m1"))
    assert chat.take_effects() == [PendingAppend]
    assert sent.answer is None
    chat.settle()
    assert chat.take_effects() == [Publish, Answer]
    assert (sent.receipt.position, sent.receipt.duplicate) == (2, False)
    assert sent.receipt.state == chat.pipeline.committed


def test_commands_before_the_first_load_are_stored_in_the_order_given():
    chat = OneChat(opened=False)
    waiters = [chat.submit(chat.open()), *(chat.submit(chat.send(f"m{n}")) for n in range(3))]
    assert chat.take_effects() == [Load]
    chat.look()
    chat.settle_all()
    assert chat.answered == waiters
    assert chat.stored_ids == ["m0", "m1", "m2"]


def test_a_command_that_an_observer_gives_while_others_are_decided_waits_behind_them():
    chat = OneChat(opened=False)
    for command in (chat.open(), chat.send("m1"), chat.send("m2")):
        chat.submit(command)

    def say_more() -> None:
        chat.on_append = lambda: None
        chat.submit(chat.send("m3"))

    chat.on_append = say_more
    chat.look()
    chat.settle_all()
    assert chat.stored_ids == ["m1", "m2", "m3"]


def test_steps_do_not_wait_for_the_disk_and_build_on_one_another():
    chat = with_turn(runs_here="")
    for _ in range(3):
        chat.submit(chat.steps("m1"))
    assert [append.expected_position for append in chat.appends] == [5, 6, 7]
    assert len({id(append.chain) for append in chat.appends}) == 1
    assert chat.pipeline.committed.position == 5


def test_a_repeat_waits_for_the_commit_of_what_it_repeats():
    """
    1. m1 is decided and appended
    2. m1 comes again: it is known on the tip, and nothing of it is on disk
    3. the append is on disk: both are answered, in order
    """
    chat = OneChat()
    command = chat.send("m1")
    first, second = chat.submit(command), chat.submit(command)
    assert second.answer is None
    chat.settle()
    assert chat.answered[-2:] == [first, second]
    assert (second.receipt.position, second.receipt.duplicate) == (2, True)


def test_a_refusal_waits_for_the_commits_that_it_was_decided_upon():
    chat = OneChat()
    closed = chat.submit(chat.close("c1"))
    refused = chat.submit(chat.send("m1"))
    assert refused.answer is None
    chat.settle()
    assert chat.answered[-2:] == [closed, refused]
    assert refused.code == "chat_closed"


def test_a_repeat_of_what_failed_to_be_stored_is_stored_anew():
    """
    1. m1 is appended, and comes again: it would be a repeat
    2. the append fails: the first is refused, the tip is void
    3. the log is read: it does not hold m1
    4. the second is decided anew and stored
    """
    chat = OneChat()
    command = chat.send("m1")
    first, second = chat.submit(command), chat.submit(command)
    chat.take_effects()
    chat.fail()
    assert chat.take_effects() == [DropFrames, Refuse, Load]
    assert (first.code, second.answer) == ("unavailable", None)
    chat.look()
    chat.settle()
    assert (second.receipt.position, second.receipt.duplicate) == (2, False)


def test_a_commit_whose_answer_was_lost_is_a_repeat_the_next_time():
    """
    1. m1 is appended and stored, but its outcome is lost: m1 is refused
    2. m1 is sent again and waits for the log, which is read from its start
    3. the log holds m1: the repeat is answered with its position
    """
    chat = OneChat()
    command = chat.send("m1")
    first = chat.submit(command)
    chat.fail(is_stored=True)
    second = chat.submit(command)
    chat.look()
    assert first.code == "unavailable"
    assert (second.receipt.position, second.receipt.duplicate) == (2, True)


def test_what_stands_on_a_lost_append_is_not_stored_without_it():
    """
    1. two steps are appended, the second upon the first
    2. the first fails
    3. the second conflicts, although the log would take it
    4. the log is read, and the second is decided anew
    """
    chat = with_turn(runs_here="")
    first = chat.submit(chat.steps("m1", Thinking("plan", "one")))
    second = chat.submit(chat.steps("m1", Thinking("plan", "two")))
    chat.fail()
    assert isinstance(chat.settle(), Conflict)
    chat.look()
    chat.settle_all()
    assert (first.code, thoughts(chat)) == ("unavailable", ["two"])
    assert second.receipt.position == 6


def test_the_observer_of_turns_hears_that_an_append_was_lost_and_hears_it_once():
    chat = OneChat()
    chat.submit(chat.send("m1"))
    chat.fail()
    chat.look()
    taken_in = [effect for effect in chat.effects if isinstance(effect, TakeIn)]
    assert [one.superseded for one in taken_in] == [False, True]
    chat.submit(chat.send("m2"))
    chat.settle()
    chat.hear(BEYOND_THE_END)
    chat.submit(chat.send("m3"))
    chat.look()
    taken_in = [effect for effect in chat.effects if isinstance(effect, TakeIn)]
    assert [one.superseded for one in taken_in] == [False, True, False]


def test_a_command_that_changes_nothing_is_stored_by_its_id():
    chat = OneChat()
    cancelled = chat.submit(chat.cancel("x1"))
    chat.take_effects()
    chat.settle()
    assert chat.take_effects() == [Answer]
    assert (cancelled.receipt.position, cancelled.receipt.duplicate) == (1, False)
    again = chat.submit(chat.cancel("x1"))
    assert (again.receipt.position, again.receipt.duplicate) == (1, True)


def test_what_is_opened_again_is_acknowledged():
    chat = OneChat()
    assert chat.submit(chat.open()).receipt.duplicate


def test_what_a_runner_of_another_turn_wants_stored_is_refused():
    chat = OneChat()
    assert isinstance(chat.submit(chat.steps("m1")).answer, StaleTurn)


def test_a_text_that_cannot_be_stored_is_refused_and_harms_nothing():
    chat = with_turn(runs_here="")
    for text in ("a\x00b", "\ud800"):
        assert chat.submit(chat.steps("m1", Thinking("plan", text))).code == "invalid_content"
    chat.submit(chat.send("m2"))
    assert chat.settle() == Stored()


def test_a_fault_in_deciding_is_the_commands_alone(monkeypatch):
    chat = OneChat()

    def spoilt(*_):
        raise ValueError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr("chatstream.chats.appends.decide", spoilt)
        spoilt_command = chat.submit(chat.send("m1"))
        assert spoilt_command.answer is None
        chat.look()  # it may be the state in memory that is wrong
        assert isinstance(spoilt_command.answer, ValueError)
    chat.submit(chat.send("m2"))
    assert chat.settle() == Stored()


def test_a_command_that_ends_the_turn_takes_along_what_is_streamed_when_it_is_decided():
    """
    1. the answer has come to "Hel" when the chat is out of date
    2. a cancel waits for the log; the answer grows to "Hello" meanwhile
    3. the log is read: the cancel is decided, with what is streamed by then
    """
    chat = with_turn(runs_here="Hel")
    chat.hear(BEYOND_THE_END)
    chat.submit(chat.cancel("x1"))
    chat.run = RunHere(Streamed("msg_1", "Hello"))
    chat.look()
    chat.settle()
    assert any(b'"Hello"' in row.body for row in chat.log.rows)


def test_a_run_that_has_streamed_nothing_adds_nothing():
    chat = with_turn(runs_here="")
    chat.submit(chat.cancel("x1"))
    assert chat.settle() == Stored()
    assert chat.pipeline.committed.turn is None


# -- alone: readers, failed loads, erasure ----------------------------------------------------


def test_a_reader_waits_for_the_first_load_and_then_no_more():
    chat = OneChat(opened=False)
    chat.elsewhere(chat.open())
    first = chat.read_committed()
    assert first.answer is None
    chat.look()
    assert first.receipt.state.status == "open"
    assert chat.read_committed().receipt.state == first.receipt.state


def test_a_log_that_cannot_be_read_refuses_all_who_wait_and_the_next_one_reads_again():
    chat = OneChat(opened=False)
    waiters = [chat.submit(chat.open()), chat.submit(chat.send("m1")), chat.read_committed()]
    chat.fail_load()
    assert [one.code for one in waiters] == ["unavailable"] * 3
    assert chat.timer_at_s is None
    assert chat.pipeline.is_idle
    chat.submit(chat.open())
    assert chat.load is not None


def test_a_chat_that_had_a_turn_is_read_again_until_it_can_be():
    """
    1. a step of the turn fails: the storage is down, the run is lost
    2. the log cannot be read
    3. half a second later it still cannot be
    4. half a second later it is read, asked or not: somebody must take the turn up
    """
    chat = with_turn(runs_here="")
    chat.submit(chat.steps("m1"))
    chat.fail()
    for _ in range(2):
        chat.fail_load()
        assert not chat.pipeline.is_idle
        chat.pass_time(RELOAD_AFTER_S)
    chat.take_effects()
    chat.look()
    assert chat.take_effects() == [TakeIn]
    assert chat.pipeline.is_idle


def test_a_chat_that_somebody_follows_is_read_again_until_it_can_be():
    chat = OneChat()
    chat.is_watched = True
    chat.hear(BEYOND_THE_END)
    chat.fail_load()
    chat.pass_time(RELOAD_AFTER_S)
    assert chat.load is not None


def test_a_log_that_holds_what_nobody_can_read_is_not_tried_again_by_itself():
    chat = with_turn(runs_here="")
    chat.hear(BEYOND_THE_END)
    waiter = chat.submit(chat.steps("m1"))
    chat.fail_load(may_retry=False)
    assert waiter.code == "unavailable"
    assert chat.timer_at_s is None


def test_while_the_timer_runs_no_second_one_is_set():
    """
    1. a load fails where a turn may run: the timer is set
    2. a command comes: the log is read at once, and that fails too
    3. the timer ends once; the log is read
    """
    chat = with_turn(runs_here="")
    chat.hear(BEYOND_THE_END)
    chat.submit(chat.steps("m1"))
    chat.fail_load()
    chat.submit(chat.steps("m1"))
    chat.fail_load()
    assert chat.take_effects().count(Retry) == 1
    chat.pass_time(RELOAD_AFTER_S)
    assert chat.load is not None


def test_a_timer_that_comes_when_all_is_known_asks_for_nothing():
    chat = with_turn(runs_here="")
    chat.hear(BEYOND_THE_END)
    chat.submit(chat.steps("m1"))
    chat.fail_load()
    chat.submit(chat.steps("m1"))
    chat.look()
    chat.settle()
    chat.take_effects()
    chat.pass_time(RELOAD_AFTER_S)
    assert chat.take_effects() == []


def test_after_an_erasure_the_whole_log_is_read_before_anything_is_decided():
    """What the state still holds has just been erased.

    1. a message and an erasure are appended, and a command follows
    2. the message is on disk: it is answered
    3. the erasure is on disk: it is answered, and no state is worth anything
    4. the log is read from its start; the command is decided upon that
    """
    chat = OneChat()
    sent = chat.submit(chat.send("m1", "sesame"))
    erased = chat.submit(EraseChat(**chat.base()))
    late = chat.submit(chat.send("m2"))
    chat.settle()
    chat.settle()
    assert chat.answered[-2:] == [sent, erased]
    assert chat.pipeline.freshness is Freshness.UNKNOWN
    chat.look()
    assert late.code == "chat_closed"
    assert "sesame" not in repr(chat.pipeline.committed)


def test_an_erasure_takes_the_digests_of_commands_that_stored_nothing():
    chat = OneChat()
    chat.submit(chat.cancel("x1"))
    chat.settle()
    chat.submit(EraseChat(**chat.base()))
    chat.settle()
    assert [row[3] for row in chat.log.ids.values()] == [""]


# -- alone: another writer all the same -------------------------------------------------------


def test_an_event_of_another_writer_is_folded_in_and_the_command_decided_again():
    chat = OneChat()
    sent = chat.submit(chat.send("m1"))
    chat.elsewhere(chat.send("m0"))
    assert isinstance(chat.settle(), Conflict)
    chat.look()
    chat.settle()
    assert (sent.receipt.duplicate, chat.stored_ids) == (False, ["m0", "m1"])


# -- beside others: order -------------------------------------------------------------------


def test_what_conflicted_is_stored_before_what_came_later():
    """
    1. here m1 and m2 are appended, one upon the other
    2. there a message was stored first
    3. m1 conflicts; m3 comes; m2 conflicts by its chain
    4. the log is read: m1, m2 and m3 are decided anew, in this order
    """
    chat = beside_others()
    waiters = [chat.submit(chat.send("m1")), chat.submit(chat.send("m2"))]
    chat.elsewhere(chat.send("m0"))
    assert isinstance(chat.settle(), Conflict)
    waiters.append(chat.submit(chat.send("m3")))
    assert chat.load is None
    assert isinstance(chat.settle(), Conflict)
    chat.look()
    chat.settle_all()
    assert chat.answered[-3:] == waiters
    assert chat.stored_ids == ["m0", "m1", "m2", "m3"]


def test_the_place_of_a_lost_append_may_be_filled_without_the_next_one_standing_on_it():
    """16 writers on two nodes: a message was acked at another's position.

    1. here m1 and m2 are appended at 2 and 6
    2. there m0 fills the places 2 to 5: m1 conflicts
    3. m2 would stand at the right version on the wrong state
    4. its chain is broken: it conflicts too, and both are stored after m0
    """
    chat = beside_others()
    first, second = chat.submit(chat.send("m1")), chat.submit(chat.send("m2"))
    chat.elsewhere(chat.send("m0"))
    assert chat.log.position == chat.appends[1].expected_position
    assert [type(chat.settle()), type(chat.settle())] == [Conflict, Conflict]
    chat.look()
    chat.settle_all()
    assert chat.stored_ids == ["m0", "m1", "m2"]
    assert (first.receipt.position, second.receipt.position) == (6, 7)


def test_appends_after_a_conflict_are_a_chain_of_their_own():
    chat = beside_others()
    chat.submit(chat.send("m1"))
    before = chat.appends[0].chain
    chat.elsewhere(chat.send("m0"))
    chat.settle()
    chat.look()
    assert chat.appends[0].chain is not before
    assert chat.settle() == Stored()


def test_who_always_loses_the_race_is_refused_in_the_end():
    chat = beside_others()
    sent = chat.submit(chat.send("m1"))
    for number in range(TRIES + 1):
        assert sent.answer is None
        chat.elsewhere(chat.send(f"other{number}"))
        assert isinstance(chat.settle(), Conflict)
        chat.look()
    assert sent.code == "overloaded"


def test_a_step_that_was_taken_back_is_not_decided_again():
    """The next run of the same attempt stored it twice.

    1. here a turn is begun; its run appends a step upon that
    2. there the same message was stored first: both conflict
    3. the run is ended, since it began in vain: nobody waits for its step
    4. the log is read: the message is a repeat, the step is dropped
    """
    chat = beside_others()
    sent = chat.submit(chat.send("m1"))
    step = chat.submit(chat.steps("m1", Thinking("plan", "in vain")))
    chat.elsewhere(chat.send("m1"))
    chat.settle_all()
    step.has_given_up = True
    chat.look()
    assert sent.receipt.duplicate
    assert (step.answer, thoughts(chat)) == (None, [])
    assert chat.pipeline.is_idle


# -- beside others: what stores nothing -------------------------------------------------------


def test_a_refusal_is_decided_on_what_the_log_holds_after_the_command_came():
    """
    1. there a turn is begun, of which this node has not heard
    2. here a step of it comes: on what is known here, there is no such turn
    3. no refusal yet: the log is read
    4. the step is stored
    """
    chat = beside_others()
    chat.elsewhere(chat.send("m1"))
    step = chat.submit(chat.steps("m1"))
    assert (step.answer, chat.take_effects()[-1]) == (None, Load)
    chat.look()
    chat.settle()
    assert step.receipt.position == chat.log.position


def test_a_refusal_on_fresh_state_stands():
    chat = beside_others()
    step = chat.submit(chat.steps("m1"))
    chat.look()
    assert isinstance(step.answer, StaleTurn)


def test_a_command_that_came_while_the_log_was_read_is_not_fresh():
    """
    1. a step waits for the log; what it holds now is on the way
    2. there a turn is begun
    3. a second step comes, which may be of that turn
    4. what was read refuses the first step, and not the second: the log is read once more
    5. the second is stored
    """
    chat = beside_others()
    first = chat.submit(chat.steps("m1"))
    read = chat.read_log()
    chat.elsewhere(chat.send("m1"))
    second = chat.submit(chat.steps("m1"))
    chat.end_load(read)
    assert isinstance(first.answer, StaleTurn)
    assert (second.answer, chat.load is None) == (None, False)
    chat.look()
    chat.settle()
    assert second.receipt.position == chat.log.position


def test_a_chat_opened_here_and_closed_there_is_not_said_to_be_open():
    chat = beside_others()
    chat.elsewhere(chat.close("c1"))
    opened = chat.submit(chat.open())
    assert opened.answer is None
    chat.look()
    assert opened.receipt.state.status == "closed"


def test_what_is_known_by_its_id_is_known_for_good():
    chat = beside_others()
    command = chat.send("m1")
    chat.submit(command)
    chat.settle()
    chat.take_effects()
    assert chat.submit(command).receipt.duplicate
    assert chat.take_effects() == [Answer]


def test_a_command_behind_one_that_waits_for_the_log_keeps_its_place():
    chat = beside_others()
    opened, sent = chat.submit(chat.open()), chat.submit(chat.send("m1"))
    assert not chat.appends
    chat.look()
    chat.settle()
    assert chat.answered[-2:] == [opened, sent]


def test_a_refusal_on_what_is_in_flight_is_decided_again_when_that_was_lost():
    """
    1. here the chat is closed, and a message comes behind: the log is to be read for its refusal
    2. there something is stored first: the close conflicts
    3. the log is read; the close is appended again, the message is refused upon it
    4. the close is on disk: both are answered
    """
    chat = with_turn(SharedWriter(), runs_here="")
    closed, refused = chat.submit(chat.close("c1")), chat.submit(chat.send("m2"))
    chat.elsewhere(chat.steps("m1"))
    assert isinstance(chat.settle(), Conflict)
    chat.look()
    assert refused.answer is None
    chat.settle()
    assert chat.answered[-2:] == [closed, refused]
    assert refused.code == "chat_closed"


def test_a_command_that_changed_nothing_there_is_a_repeat_here():
    """No position tells of it.

    1. there a cancel found no turn: its id is stored, and no event
    2. here the same cancel comes: its append conflicts with the row of its id
    3. the log is read, and the ids with it: the cancel is a repeat
    """
    chat = beside_others()
    command = chat.cancel("x1")
    chat.elsewhere(command)
    cancelled = chat.submit(command)
    assert isinstance(chat.settle(), Conflict)
    assert chat.load is not None
    assert chat.load.with_command_ids
    chat.look()
    assert (cancelled.receipt.position, cancelled.receipt.duplicate) == (1, True)


def test_a_cancel_that_changed_nothing_there_does_not_end_a_later_turn_here():
    """
    1. there a cancel found no turn: its id is stored, and no event
    2. a turn begins
    3. here the same cancel comes again: it would end the turn
    4. its append conflicts with the row of its id; the log is read, and the turn goes on
    """
    chat = beside_others()
    command = chat.cancel("x1")
    chat.elsewhere(command)
    chat.submit(chat.send("m1"))
    chat.settle()
    chat.run = RunHere()
    cancelled = chat.submit(command)
    assert isinstance(chat.settle(), Conflict)
    chat.look()
    assert cancelled.receipt.duplicate
    assert chat.pipeline.committed.turn is not None


def test_a_command_that_changes_nothing_is_stored_at_the_position_it_was_decided_on():
    """
    1. here a cancel finds no turn: its id is to be stored
    2. there a turn is begun
    3. the cancel conflicts, although it has no event
    4. the log is read: it cancels the turn
    """
    chat = beside_others()
    chat.submit(chat.cancel("x1"))
    chat.elsewhere(chat.send("m1"))
    assert isinstance(chat.settle(), Conflict)
    chat.run = RunHere()
    chat.look()
    chat.settle()
    assert chat.pipeline.committed.turn is None


# -- beside others: turns that run there ------------------------------------------------------


def test_a_turn_that_runs_there_is_ended_by_the_node_that_has_its_text():
    """
    1. here a cancel comes for a turn that another node runs: first the log is read
    2. it is still so: the other node is asked to cancel, and the command waits
    3. there the turn is ended, with the text of its answer
    4. here that is heard: what was done for the command is its first answer
    """
    chat = with_turn(SharedWriter())
    command = chat.cancel("x1")
    cancelled = chat.submit(command)
    assert chat.take_effects() == [Load]
    chat.look()
    assert chat.take_effects() == [TakeIn, DecideInbox, Retry, Forward]
    assert chat.forwarded == [command]
    chat.elsewhere(command)
    chat.hear()
    chat.look()
    assert (cancelled.receipt.duplicate, cancelled.receipt.state.turn) == (False, None)
    assert not chat.appends


def test_another_node_that_does_not_end_the_turn_in_time_is_waited_for_no_longer():
    chat = with_turn(SharedWriter())
    cancelled = chat.submit(chat.cancel("x1"))
    chat.look()
    chat.pass_time(ANOTHER_WITHIN_S / 2)
    assert chat.load is None
    chat.pass_time(ANOTHER_WITHIN_S / 2)
    chat.look()
    chat.settle()
    assert cancelled.receipt.state.turn is None
    assert len(chat.forwarded) == 1


def test_a_command_that_comes_meanwhile_shortens_nobodys_patience():
    """
    1. a cancel waits for the node that runs the turn
    2. half a second later a message comes: the log is read
    3. the turn still runs there: the cancel waits on, is asked for once, the message behind it
    4. a second after the beginning the log is read: the cancel is stored, then the message
    """
    chat = with_turn(SharedWriter())
    cancelled = chat.submit(chat.cancel("x1"))
    chat.look()
    chat.pass_time(ANOTHER_WITHIN_S / 2)
    sent = chat.submit(chat.send("m2"))
    chat.look()
    assert not chat.appends
    chat.pass_time(ANOTHER_WITHIN_S / 2)
    chat.look()
    chat.settle_all()
    assert chat.answered[-2:] == [cancelled, sent]
    assert len(chat.forwarded) == 1


def test_patience_that_ends_a_moment_early_is_asked_for_the_rest():
    """
    1. a cancel waits for the node that runs the turn; the timer is set
    2. a message comes, and the log is on the way when the timer ends
    3. it is read a moment before the patience is over: the cancel waits on, with a timer
    4. that ends: the log is read, and the cancel is stored
    """
    chat = with_turn(SharedWriter())
    cancelled = chat.submit(chat.cancel("x1"))
    chat.look()
    chat.submit(chat.send("m2"))
    chat.timer_at_s = chat.now_s + ANOTHER_WITHIN_S / 2  # as where a clock is coarse
    chat.pass_time(ANOTHER_WITHIN_S / 2)
    chat.look()
    assert (cancelled.answer, chat.timer_at_s is None) == (None, False)
    chat.pass_time(ANOTHER_WITHIN_S / 2)
    chat.look()
    chat.settle_all()
    assert cancelled.receipt.state.turn is None


def test_where_there_is_no_other_node_the_turn_is_ended_here():
    chat = with_turn(SharedWriter())
    chat.has_others = False
    cancelled = chat.submit(chat.cancel("x1"))
    chat.look()
    assert chat.load is not None
    chat.look()
    chat.settle()
    assert cancelled.receipt.state.turn is None


def test_a_turn_that_runs_here_is_ended_at_once_with_its_text():
    chat = with_turn(SharedWriter(), runs_here="Hello")
    chat.submit(chat.cancel("x1"))
    assert chat.settle() == Stored()
    assert any(b'"Hello"' in row.body for row in chat.log.rows)


def test_who_clears_the_session_of_a_turn_that_runs_there_asks_its_node():
    chat = with_turn(SharedWriter())
    (session_id,) = chat.pipeline.committed.sessions
    chat.submit(ClearSession(**chat.base(), session_id=session_id))
    chat.look()
    assert len(chat.forwarded) == 1


def test_a_client_command_that_ends_no_turn_is_not_asked_for_elsewhere():
    chat = with_turn(SharedWriter())
    sent = chat.submit(chat.send("m2"))
    chat.settle()
    assert not sent.receipt.duplicate
    assert chat.forwarded == []


def test_a_repeat_of_what_ended_the_turn_there_is_not_asked_for():
    """
    1. a cancel was carried out there, and a new turn has begun
    2. here the same cancel comes again, and would end that one
    3. the log is read: it is known, and nobody is asked for anything
    """
    chat = with_turn(SharedWriter())
    command = chat.cancel("x1")
    chat.elsewhere(command)
    chat.elsewhere(chat.send("m2"))
    cancelled = chat.submit(command)
    chat.look()
    assert cancelled.receipt.duplicate
    assert chat.forwarded == []


# -- beside others: what is heard and read ----------------------------------------------------


def test_a_chat_that_somebody_looks_at_is_read_when_its_commit_is_heard():
    chat = beside_others()
    chat.is_watched = True
    chat.elsewhere(chat.send("m1"))
    chat.hear()
    chat.look()
    assert chat.pipeline.committed.position == chat.log.position


def test_a_chat_that_nobody_looks_at_is_read_when_somebody_asks():
    chat = beside_others()
    chat.elsewhere(chat.send("m1"))
    chat.hear()
    assert (chat.load, chat.pipeline.freshness) == (None, Freshness.STALE)
    chat.submit(chat.send("m2"))
    assert chat.load is not None


def test_an_own_commit_that_is_heard_of_is_no_news():
    chat = beside_others()
    chat.is_watched = True
    chat.submit(chat.send("m1"))
    chat.settle()
    chat.hear()
    assert (chat.load, chat.pipeline.is_current) == (None, True)


def test_a_commit_heard_of_while_the_log_is_read_is_read_too():
    """
    1. a commit is heard of: the log is read; what it holds now is on the way
    2. there one more event is stored, and heard of
    3. what was read is not all: the log is read once more, before anything is decided
    """
    chat = beside_others()
    chat.is_watched = True
    chat.elsewhere(chat.send("m1"))
    chat.hear()
    sent = chat.submit(chat.send("m2"))
    read = chat.read_log()
    chat.elsewhere(chat.steps("m1"))
    chat.hear()
    chat.end_load(read)
    assert (sent.answer, chat.load is None) == (None, False)
    chat.look()
    chat.settle()
    assert sent.receipt.position == chat.log.position


def test_what_is_heard_twice_is_read_once():
    chat = beside_others()
    chat.elsewhere(chat.send("m1"))
    chat.hear()
    chat.is_watched = True
    chat.hear()
    assert chat.load is None


def test_appends_in_flight_are_answered_before_the_log_is_read():
    """
    1. here m1 is appended
    2. a commit of another node is heard of, and m2 comes: it has to wait for the log
    3. m1 is on disk: it is answered, and then the log is read
    """
    chat = beside_others()
    chat.is_watched = True
    first = chat.submit(chat.send("m1"))
    chat.hear(BEYOND_THE_END)
    second = chat.submit(chat.send("m2"))
    assert chat.load is None
    chat.settle()
    assert (first.receipt.duplicate, second.answer) == (False, None)
    assert chat.load is not None


def test_a_reply_keeps_its_place_between_two_appends_when_the_chat_falls_behind():
    """Decided again, it would be carried out behind a command that came after it.

    1. here m1 is appended; a repeat of it waits for that; m2 is appended
    2. a commit of another node is heard of: the chat is out of date
    3. m1 is on disk: it is answered, and the repeat too
    4. m2 is on disk: it is answered, and then the log is read
    """
    chat = beside_others()
    chat.is_watched = True
    command = chat.send("m1")
    waiters = [chat.submit(command), chat.submit(command), chat.submit(chat.send("m2"))]
    chat.hear(BEYOND_THE_END)
    chat.settle_all()
    assert chat.answered[-3:] == waiters
    assert chat.load is not None


def test_what_a_reader_finds_in_the_log_is_taken_in_where_nothing_is_under_way():
    chat = beside_others()
    chat.elsewhere(chat.send("m1"))
    chat.take_effects()
    chat.look()
    assert chat.take_effects() == [TakeIn]
    chat.look()
    assert chat.take_effects() == []


def test_a_reader_that_finds_the_chat_erased_brings_that_too():
    chat = beside_others()
    chat.submit(chat.send("m1", "sesame"))
    chat.settle()
    chat.elsewhere(EraseChat(**chat.base()))
    chat.look()
    assert "sesame" not in repr(chat.pipeline.committed)


def test_what_a_reader_finds_beside_a_command_wakes_the_others_and_is_read_later():
    """Text that comes after the end of its answer is shown to nobody.

    1. here a command is in flight
    2. there the turn is ended
    3. a reader finds that in the log: the others are told, the states stay as they are
    4. the command conflicts, and the log is read
    """
    chat = with_turn(SharedWriter())
    chat.submit(chat.send("m2"))
    chat.elsewhere(FinishTurn(**_of_turn(chat), message_id="msg_1", streamed_text="Hi"))
    known = chat.pipeline.committed
    chat.take_effects()
    chat.end_read(chat.begin_read())
    assert chat.take_effects() == [MoveReaders]
    assert chat.pipeline.committed is known
    chat.settle()
    chat.look()
    assert chat.pipeline.committed.position == chat.log.position


def _of_turn(chat: OneChat) -> dict[str, object]:
    return {**chat.base(), "caused_by": "m1", "attempt": 1}


def test_what_a_reader_has_found_is_not_forgotten_when_it_is_heard_of():
    """A run here would go on that another node has cancelled.

    1. a reader reads the log; an own commit is answered meanwhile
    2. the reader has found an event of another node behind it
    3. that counts as heard of: the log is read for those who look on
    4. it is heard of, once more
    """
    chat = with_turn(SharedWriter(), runs_here="")
    chat.is_watched = True
    known = chat.pipeline.known
    chat.submit(chat.steps("m1"))
    chat.settle()
    chat.elsewhere(chat.cancel("x1"))
    found = chat.begin_read()[1]
    chat.end_read((known, found))
    chat.hear()
    assert chat.load is not None
    chat.look()
    assert chat.pipeline.committed.turn is None


def test_a_commit_heard_of_while_a_reader_reads_is_not_taken_for_read():
    """
    1. a reader reads the log; what it holds now is on the way
    2. there an event is stored, and heard of
    3. the reader brings what it has found: the chat stays out of date
    4. who asks next makes the log be read
    """
    chat = beside_others()
    chat.elsewhere(chat.send("m1"))
    read = chat.begin_read()
    chat.elsewhere(chat.steps("m1"))
    chat.hear()
    chat.end_read(read)
    assert (chat.pipeline.freshness, chat.load) == (Freshness.STALE, None)
    chat.submit(chat.send("m2"))
    assert chat.load is not None


def test_a_chat_is_idle_only_while_nothing_is_under_way():
    chat = beside_others()
    assert chat.pipeline.is_idle
    chat.submit(chat.send("m1"))
    assert not chat.pipeline.is_idle
    chat.settle()
    assert chat.pipeline.is_idle
    chat.submit(chat.open())
    assert not chat.pipeline.is_idle


def test_alone_the_id_of_a_command_without_an_event_is_guarded_by_nothing():
    chat = OneChat()
    chat.submit(chat.cancel("x1"))
    assert (chat.appends[0].guarded, chat.appends[0].unless) == (False, None)
