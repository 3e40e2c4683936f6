"""For those who watch the server: is it alive, can it do its work, and what does it count."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from litestar import Controller, Response, route
from litestar.openapi import ResponseSpec
from msgspec import UNSET, Struct, UnsetType

from chatstream.http.backend import BackendDependency
from chatstream.http.chats import READ
from chatstream.http.ports import Readiness
from chatstream.http.problem import problem, problems
from chatstream.protocol.bodies import Problem

_PATIENCE_S = 3.0  # a probe that takes longer is as good as an answer
_PROMETHEUS = "text/plain; version=0.0.4"


class Health(Struct, frozen=True):
    """All is well."""

    status: Literal["ok"] = "ok"
    warning: str | UnsetType = UNSET
    """What the operator has to mend, though the server does its work."""


class HealthController(Controller):
    """``/health`` and ``/metrics``: no prefix, no token."""

    tags = ("operation",)

    @route("/health/live", http_method=READ, summary="The process answers")
    async def live(self) -> Health:
        return Health()

    @route(
        "/health/ready",
        http_method=READ,
        responses={
            200: ResponseSpec(Health, description="Ready", generate_examples=False),
            503: problems()[503],
        },
        summary="The server can take commands",
    )
    async def ready(self, chatstream_backend: BackendDependency) -> Response[Any]:
        if chatstream_backend.streams.closed:
            return _not_ready("the server is going away")
        reason = await _reason(chatstream_backend.readiness)
        if reason is not None:
            return _not_ready(reason)
        return Response(Health(warning=chatstream_backend.readiness.warning or UNSET))

    @route("/metrics", http_method=READ, media_type=_PROMETHEUS, summary="Prometheus metrics")
    async def metrics(self, chatstream_backend: BackendDependency) -> Response[bytes]:
        return Response(chatstream_backend.metrics.text(), media_type=_PROMETHEUS)


async def _reason(readiness: Readiness) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await readiness.why_not()
    except TimeoutError:
        return "the storage does not answer"


def _not_ready(reason: str) -> Response[Problem]:
    return problem(503, "unavailable", reason)
