"""All of the HTTP side: ``routes(backend)`` gives what the application is to serve.

Under the prefix stands what the protocol's section 9 names; beside it health and metrics, the
front end, and the JSON Schema of the frames.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Request, Response, Router, get, route
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import ResponseSpec
from litestar.params import FromPath

from chatstream.http.assets import PAGE, Assets
from chatstream.http.backend import Backend, BackendDependency
from chatstream.http.bodies import StrictRequest
from chatstream.http.caller import CALLER, caller, identifying
from chatstream.http.chats import READ, ChatsController
from chatstream.http.health import HealthController
from chatstream.http.intents import IntentsController
from chatstream.http.log import LogController
from chatstream.http.messages import MessagesController
from chatstream.http.middleware import AnswerMiddleware, HostMiddleware
from chatstream.http.paths import refuse_odd_path
from chatstream.http.problem import handlers
from chatstream.http.sessions import SessionsController
from chatstream.http.users import UsersController
from chatstream.security.entrance import Entrance

ASSETS_PATH = "/chatstream"
FRAMES_SCHEMA_PATH = "/schema/frames.json"
_JSON_SCHEMA = "application/schema+json"
_A_SCHEMA = ResponseSpec(
    dict[str, Any], description="The schema", media_type=_JSON_SCHEMA, generate_examples=False
)


class _Routes(Router):
    """Registered as it is, with the metrics and the backend that it holds."""

    def __deepcopy__(self, _: object) -> _Routes:
        # Litestar copies the routers it is given with all they hold. These are made for one server.
        return self


def routes(backend: Backend, assets: Assets | None = None) -> list[Router]:
    """The routers to register, once a server. ``assets`` are the package's own unless given."""
    open_streams = partial(len, backend.streams)
    backend.metrics.watch("event_streams", "Live event streams over HTTP", open_streams)
    entrance = Entrance(backend.settings.hosts, backend.settings.origins)
    return [
        _under_prefix(backend, entrance),
        _beside_prefix(backend, entrance, assets or _front_end_of(backend)),
        _for_operators(backend, entrance),
    ]


def _front_end_of(backend: Backend) -> Assets:
    return Assets(suggestions=backend.suggestions, server=backend.settings.prefix)


def is_ours(backend: Backend, path: str) -> bool:
    """Whether an unknown ``path`` is ours to answer (``problem.handle_routing_errors``)."""
    prefix = backend.settings.prefix
    ours = (prefix, "/health", "/metrics", ASSETS_PATH)
    return any(path == one or path.startswith(f"{one}/") for one in ours)


def _under_prefix(backend: Backend, entrance: Entrance) -> Router:
    return _Routes(
        backend.settings.prefix or "/",
        route_handlers=[
            ChatsController,
            LogController,
            MessagesController,
            IntentsController,
            SessionsController,
            UsersController,
        ],
        dependencies={
            **_backend_dependency(backend),
            CALLER: Provide(caller, sync_to_thread=False),
        },
        guards=[identifying(backend), refuse_odd_path],
        request_class=StrictRequest,
        # The same bound as on a socket: it holds any legal content, however it is escaped.
        request_max_body_size=backend.settings.max_frame_bytes,
        exception_handlers=handlers(),
        middleware=[AnswerMiddleware(backend, entrance), HostMiddleware(entrance)],
        security=[{"token": []}, {"visitor": []}],
    )


def _beside_prefix(backend: Backend, entrance: Entrance, assets: Assets) -> Router:
    return _Routes(
        "/",
        route_handlers=[_frames_schema, *_front_end(assets)],
        dependencies=_backend_dependency(backend),
        exception_handlers=handlers(),
        middleware=[AnswerMiddleware(backend, entrance), HostMiddleware(entrance)],
    )


def _for_operators(backend: Backend, entrance: Entrance) -> Router:
    # Probes and scrapers ask by the address of a pod or container, whatever the names are.
    return _Routes(
        "/",
        route_handlers=[HealthController],
        dependencies=_backend_dependency(backend),
        exception_handlers=handlers(),
        middleware=[AnswerMiddleware(backend, entrance)],
    )


def _backend_dependency(backend: Backend) -> dict[str, Provide]:
    return {"chatstream_backend": Provide(lambda: backend, sync_to_thread=False)}


@get(
    FRAMES_SCHEMA_PATH,
    tags=("operation",),
    responses={200: _A_SCHEMA},
    summary="JSON Schema of all frames of the wire",
)
async def _frames_schema(chatstream_backend: BackendDependency) -> Response[bytes]:
    return Response(
        chatstream_backend.frames_schema(),
        media_type=_JSON_SCHEMA,
        headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"},
    )


def _front_end(assets: Assets) -> list[Any]:
    @route("/", http_method=READ, include_in_schema=False)
    async def full_page(request: Request[Any, Any, State]) -> Response[bytes]:
        return assets.respond(request, PAGE)

    @route(f"{ASSETS_PATH}/{{name:path}}", http_method=READ, include_in_schema=False)
    async def asset(request: Request[Any, Any, State], name: FromPath[str]) -> Response[bytes]:
        return assets.respond(request, name.removeprefix("/"))

    return [full_page, asset]
