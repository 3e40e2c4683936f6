"""What a chat says by itself, where several nodes could say it."""

from __future__ import annotations

import pytest
from tests.kit.laws import check_log
from tests.kit.wire import outline

pytestmark = pytest.mark.postgres
SPOKEN = ["turn started", "response", "turn finished"]


async def test_it_is_said_once_and_seen_through_every_node(pair, people):
    here = await people(pair[0]).talk()
    there = await people(pair[1], here.person.user_id).talk(here.chat)
    await here.say("remind 0.2 Wake up! ; complete Set.")
    for talk in (here, there):
        said = await talk.event("response", content="Wake up!")
        assert outline(await talk.turn(said["caused_by"])) == SPOKEN
    await there.say("remind 0.2 Again! ; complete Set.")
    await here.event("response", content="Again!")
    said = [frame["content"] for frame in await here.stored() if frame["type"] == "response"]
    assert said == ["Set.", "Wake up!", "Set.", "Again!"]
    check_log(await here.stored())


async def test_it_is_said_by_another_node_when_the_one_that_set_it_is_killed(launch, people):
    one, other = launch().all
    talk = await people(one).talk()
    await talk.say("remind 0.5 Wake up! ; complete Set.")
    one.kill()
    again = await people(other, talk.person.user_id).talk(talk.chat)
    said = await again.event("response", content="Wake up!")
    assert outline(await again.turn(said["caused_by"])) == SPOKEN
    check_log(await again.stored())
