"""How many reminders agents may set for one user: each speaks by itself one day, and a thousand
that are due at the same moment would be a thousand turns."""

from __future__ import annotations

from typing import Final

from chatstream.domain.commands import AnyCommand, RecordSteps
from chatstream.domain.steps import Remind
from chatstream.security.quotas import RateLimiter

_WITHIN_S: Final = 3_600.0


class ReminderQuota:
    """Counts the reminders that runs set, by user; ``most`` in an hour, 0 is no limit."""

    def __init__(self, most: int = 0) -> None:
        self._limiter = RateLimiter(most, period_s=_WITHIN_S)

    def refuse_excess(self, command: AnyCommand) -> None:
        """Count the reminders that ``command`` sets.

        Raises:
            Refused: ``rate_limited``, if they are more than the user may have.
        """
        if not isinstance(command, RecordSteps):
            return
        for step in command.steps:
            if isinstance(step, Remind):
                self._limiter.take(command.user_id)
