"""What the user chose when the task was last done: offered, taken only when it is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatstream.assistant.parameters import Parameter
from chatstream.assistant.scene import Scene, Task, arguments_of
from chatstream.assistant.slots.dates import find_dates
from chatstream.assistant.taking import Filled, joined, set_value


def last_value(scene: Scene, task: Task, parameter: Parameter) -> object:
    """The parameter's value when this task was last done; None where that is not known."""
    for earlier in scene.earlier:
        if earlier.name == task.tool.name:
            return arguments_of(task.tool, earlier.slots).get(parameter.name)
    return None


def take_last(scene: Scene, task: Task, filled: Filled) -> Filled:
    """``the same as last time``: whatever is still missing, as it was then."""
    taken = Filled()
    for parameter in task.missing:
        last = last_value(scene, task, parameter)
        if last is None or parameter.name in filled.names:
            continue
        if isinstance(last, datetime):
            last = _next_at(scene, task, parameter, last)
        taken = joined(taken, set_value(task, parameter, last))
    return taken


def _next_at(scene: Scene, task: Task, parameter: Parameter, last: datetime) -> datetime:
    """The same time of day: on the day that was said, else the next time it comes."""
    local = last.astimezone(scene.now.tzinfo)
    days = find_dates(task.notes.parts.get(parameter.name, ""), scene.now.date())
    ahead = [one.value for one in days if one.value >= scene.now.date()]
    moment = datetime.combine(ahead[0] if ahead else scene.now.date(), local.timetz())
    return moment if moment > scene.now or ahead else moment + timedelta(days=1)
