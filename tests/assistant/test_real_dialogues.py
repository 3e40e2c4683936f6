"""What people really said when a dialogue took a turn: lines of recorded STAR dialogues, word for
word (MIT, © 2020 Rasa Technologies GmbH; the text of the licence is in ``tests/data``)."""

from __future__ import annotations

from datetime import date, time

import pytest
from tests.assistant.dialogue import Dialogue
from tests.assistant.star_desk import StarDesk


@pytest.fixture
def desk() -> StarDesk:
    return StarDesk()


@pytest.fixture
def talk(desk: StarDesk) -> Dialogue:
    return Dialogue(desk.assistant())


@pytest.mark.parametrize(
    "words",
    [
        # star-542, star-4638, star-1131
        (
            "Actually, never mind! I don't need a ride anymore. I just saw some electric scooters "
            "and I'll just take one of those. "
        ),
        "Never mind. I see some rental scooters. Please cancel my request. Thanks and goodbye",
        (
            "Actually, just forget it. I just saw an electric scooter on the way. That seems like "
            "more fun"
        ),
    ],
)
async def test_giving_up_with_a_reason(desk: StarDesk, talk: Dialogue, words: str):
    asked = await talk.say("I need a ride from Craig and Center to the Hospital.")
    assert asked == "May I have your name, please?"
    assert "shall I do that?" in await talk.say("My name's Ben!")
    assert talk.slots == {
        "departure": "Craig and Center",
        "destination": "Hospital",
        "name": "Ben",
    }
    assert await talk.say(words) == "All right, I have dropped that."
    assert (talk.intent.status, talk.intent.reason) == ("abandoned", "user")
    assert desk.done == []


async def test_a_no_with_a_correction_that_names_the_wrong_place_too(
    desk: StarDesk, talk: Dialogue
):
    """star-4642"""
    await talk.say("I would like to book a ride.")
    await talk.say("Broadway and Main")
    await talk.say("Craig and Center")
    await talk.say("Mark")
    said = await talk.say(
        "No, I actually misremembered, I need to go to Forbes and Murray and not Craig and Center, "
        "sorry."
    )
    assert "destination: Forbes and Murray" in said
    assert desk.done == []
    await talk.say("Yes")
    assert desk.done == [("ride", "Broadway and Main", "Forbes and Murray", "Mark")]


async def test_somewhere_else_instead(desk: StarDesk, talk: Dialogue):
    await talk.say("I need a ride from Craig and Center to the Hospital.")
    await talk.say("Ben")
    said = await talk.say("actually I want to go to the airport instead")
    assert "destination: the airport and name: Ben" in said


async def test_four_answers_to_the_first_question_and_a_correction_of_one(
    desk: StarDesk, talk: Dialogue
):
    """star-3510, where the human assistant wrote down Sunday"""
    await talk.say("Can you help me plan a party for my friend?")
    venue = await talk.say(
        "I'm John.  The party is for me. I want it on Tuesday at 11am. I'm expecting 54 people."
    )
    assert talk.slots == {"day": "Tuesday", "start": "11:00:00", "guests": 54, "host_name": "John"}
    assert await talk.say("What?") == venue
    assert "shall I do that?" in await talk.say("Southside")
    assert "day: Sunday" in await talk.say("Make it Sunday")
    said = await talk.say("No that's not right. I wanted it on Tuesday.")
    assert "day: Tuesday" in said
    await talk.say("Yes, go ahead")
    assert desk.done == [("party", "Southside Venue", "Tuesday", time(11), 54, "John")]


async def test_the_same_time_on_another_day(desk: StarDesk, talk: Dialogue):
    """star-153"""
    await talk.say(
        "Hi, I'm Ben! I want to make a surprise party for my friend, Alexis. She just got an "
        "Engineering degree. Can you help?"
    )
    await talk.say("I would like it to be West Bay Venue.")
    await talk.say("I think Wednesday at 11 am sounds good. ")
    await talk.say("I am thinking about 87 people. ")
    assert "day: Thursday, start: 11:00 am" in await talk.say(
        "Let's try Thursday at the same time. "
    )
    await talk.say("yes")
    assert desk.done == [("party", "West Bay Venue", "Thursday", time(11), 87, "Ben")]


async def test_a_booking_that_failed_is_tried_again(desk: StarDesk, talk: Dialogue):
    """star-6029"""
    desk.failures = 1
    await talk.say("Does it have any rooms available from the 10th through the 12th?")
    await talk.say("Shadyside Inn")
    failed = await talk.say("Yeah, let's book that please.")
    assert failed.startswith("I'm sorry, but your booking request failed. Shall I try again?")
    done = await talk.say("Can you try again?")
    assert done == "OK, I've successfully completed this Hotel booking for you!"
    assert desk.done == [("hotel", "Shadyside Inn", date(2026, 12, 10), date(2026, 12, 12))]


async def test_an_answer_and_a_question_in_between(desk: StarDesk, talk: Dialogue):
    """star-6145"""
    await talk.say("Can you help me plan a party for my friend?")
    await talk.say("Ben says he would prefer the West Bay Venue")
    open_question = await talk.say(
        "Oh gosh. Tuesday at ... ?? Maybe 6pm? I don't know when everyone is free."
    )
    assert talk.slots["start"] == "18:00:00"
    said = await talk.say(
        "My name is John. But I was also wondering... could you tell me the weather before we "
        "continue?"
    )
    assert said == f"It is sunny in Los Angeles.\n\n {open_question}"
    assert talk.intent.name == "plan_party"
    assert talk.slots["host_name"] == "John"


async def test_another_task_first_and_back_in_words(desk: StarDesk, talk: Dialogue):
    """star-5587, with a ride for the table"""
    await talk.say("I would like to book a ride.")
    ride = talk.intent
    asked = await talk.say(
        "I guess I should check my balance first to see if I can afford it! Can you help me check "
        "my bank balance?"
    )
    assert asked == "Can you tell me your account number, please?"
    aside = talk.state.unfinished[ride.user_intent_id]
    assert (aside.status, aside.reason) == ("abandoned", "switched")
    said = await talk.say("84318931431")
    assert said.startswith("Your balance is 1,273 credits.")
    assert "We had left this open: “I would like to book a ride.”" in said
    assert await talk.say("Let's go back to the ride") == (
        "Back to: Book ride. Where are you departing from?"
    )
    assert talk.intent.user_intent_id == ride.user_intent_id


@pytest.mark.parametrize("words", ["No preference, what's available?", "Any doesn't matter"])
async def test_no_preference_skips_what_may_be_left_out(desk: StarDesk, talk: Dialogue, words: str):
    """star-1767, star-1174"""
    asked = await talk.say("I need a flight from Pittsburgh to Detroit for May 24.")
    while "airline" not in asked:
        asked = await talk.say("Detroit")
    assert await talk.say(words) == "I found a First flight with American."
    assert desk.done == [("flight", "")]


async def test_several_tasks_in_a_row_with_asides_and_nothing_left_over(
    desk: StarDesk, talk: Dialogue
):
    """star-5956, its second half"""
    await talk.say("check my bank balance, 84318931431")
    assert talk.intent.status == "complete"
    host = await talk.say(
        "Great! I also need to RSVP to a party at West Bay Venue. It's going to be fantastic!"
    )
    assert host == "Could you provide me with the name of the host, please?"
    assert talk.slots == {"venue": "West Bay Venue"}
    await talk.say("The host is John.")
    parking = await talk.say(
        "7 pm and I'm bringing my boyfriend. We are going to have so much fun."
    )
    assert parking == "Do you require parking at the venue?"
    await talk.say("No, thank you. Have you ever been to a party there?")
    assert desk.done[1:] == [("rsvp", "West Bay Venue", "John", time(19), False)]
    assert talk.intent.status == "complete"
    assert await talk.say("Fantastic! Thank you for all of your help.") == "You're welcome."
    assert "Goodbye" in await talk.say("No that will do it. Thank you and goodbye.")


async def test_a_plain_no_thank_you_answers_a_question_that_may_be_answered_so(
    desk: StarDesk, talk: Dialogue
):
    """star-5956, its answer cut short"""
    await talk.say("I need to RSVP to a party at West Bay Venue")
    await talk.say("The host is John.")
    await talk.say("7 pm")
    await talk.say("No, thank you.")
    assert desk.done == [("rsvp", "West Bay Venue", "John", time(19), False)]
