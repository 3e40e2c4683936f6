"""``create_app``: a whole server as one Litestar application."""

from __future__ import annotations

from litestar import Litestar

from chatstream.config import Settings
from chatstream.http.openapi import openapi_config, schema_again
from chatstream.http.problem import handlers
from chatstream.plugin import ChatStreamPlugin


def create_app(settings: Settings | None = None, agent: object | None = None) -> Litestar:
    """An ASGI application that is nothing but chatstream.

    ``agent`` is an async generator function over a ``Turn``, or an async function that returns
    the answer; without it ``settings.agent`` or the built-in one answers.

    Raises:
        ConfigurationError: the settings cannot be used.
    """
    return app_of(ChatStreamPlugin(settings, agent))


def app_of(plugin: ChatStreamPlugin) -> Litestar:
    """The application around a plugin that was built before."""
    prefix = plugin.settings.prefix
    return Litestar(
        route_handlers=[schema_again(f"{prefix}/schema")] if prefix else [],
        plugins=[plugin],
        openapi_config=openapi_config(version()),
        exception_handlers=handlers(),  # of paths that are nobody's, too
        logging_config=None,  # whoever runs the process says how it logs
        debug=False,
    )


def version() -> str:
    """The installed version of chatstream."""
    from importlib.metadata import version as installed

    return installed("chatstream-server")
