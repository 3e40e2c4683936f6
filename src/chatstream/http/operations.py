"""What the framework cannot see of an operation, said in its OpenAPI description."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from chatstream.http.sse import MEDIA_TYPE as EVENT_STREAM

_STREAM = Schema(
    type=OpenAPIType.STRING,
    description="Stored events with their position as `id`, control frames without one;"
    " each `data` line is a frame as on a socket",
)


@dataclass
class OptionalBody(Operation):
    """The body may be left out: no field of it is required."""

    def __post_init__(self) -> None:
        if isinstance(self.request_body, RequestBody):
            self.request_body.required = False


@dataclass
class EventsOrStream(Operation):
    """A page of events in JSON, or with ``Accept: text/event-stream`` all of them live."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        content = getattr(answer, "content", None)
        if content is not None:
            content[EVENT_STREAM] = OpenAPIMediaType(schema=_STREAM)
