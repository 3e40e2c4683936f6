"""The description of the HTTP side for programs, at ``/schema``."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.datastructures import State
from litestar.enums import OpenAPIMediaType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Reference, SecurityScheme, Server
from litestar.serialization import encode_json

from chatstream.security.cookies import COOKIE, SECURE_COOKIE


def openapi_config(version: str) -> OpenAPIConfig:
    """For an application of ours: the document at ``/schema`` and ``/schema/openapi.json``. No
    page that loads scripts from elsewhere."""
    return OpenAPIConfig(
        title="chatstream",
        version=version,
        description="The HTTP side of the chatstream protocol.",
        path="/schema",
        render_plugins=[JsonRenderPlugin(path=["/openapi.json", "/"])],
        servers=[Server(url="/")],
        components=Components(security_schemes=security_schemes()),
    )


def schema_again(path: str) -> HTTPRouteHandler:
    """The document once more at ``path``, for who looks for it where all the rest is."""

    @get(path, media_type=OpenAPIMediaType.OPENAPI_JSON, include_in_schema=False)
    async def schema(request: Request[Any, Any, State]) -> bytes:
        return encode_json(request.app.openapi_schema.to_schema())

    return schema


def security_schemes() -> dict[str, SecurityScheme | Reference]:
    """The ways to say who one is, as the operations name them."""
    return {
        "token": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
        "visitor": SecurityScheme(
            type="apiKey",
            name=COOKIE,
            security_scheme_in="cookie",
            description=f"A visitor's; over TLS its name is `{SECURE_COOKIE}`",
        ),
    }
