"""Every error of the HTTP side as RFC 9457: ``application/problem+json`` with the code.

What is missing and what is another user's give the same bytes: no id in the text, no
``instance``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any, cast

from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.responses import (
    create_exception_response,  # pyright: ignore[reportUnknownVariableType]
)
from litestar.openapi import ResponseSpec

from chatstream.errors import CODES, Refused, wordless
from chatstream.protocol.bodies import PROBLEM_MEDIA_TYPE, Problem, problem_of, refusal_headers

_log = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
Handler = Callable[[AnyRequest, Any], Response[Any]]
ErrorHandlers = MutableMapping[int | type[Exception], Handler]

# What is no refusal of ours: the router's and the framework's own errors.
_CODE_OF_STATUS = {400: "invalid_frame", 401: "unauthenticated", 404: "not_found", 413: "too_large"}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    fields: dict[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[Problem]:
    """A response that tells of an error."""
    body = problem_of(status, code, detail, fields)
    return Response(
        body, status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=dict(headers or {})
    )


def of_refusal(_: AnyRequest, error: Refused) -> Response[Problem]:
    """A refusal, by the table of codes."""
    return problem(
        error.http_status,
        error.code,
        error.message,
        fields=error.fields,
        headers=refusal_headers(error),
    )


def of_http_exception(_: AnyRequest, error: HTTPException) -> Response[Problem]:
    """An error that the framework found: a parameter, a body, a method."""
    status = error.status_code
    if status >= 500:
        return _failure(error)
    code = _CODE_OF_STATUS.get(status, HTTPStatus(status).name.lower())
    return problem(status, code, _detail(error, code), headers=error.headers)


def of_failure(_: AnyRequest, error: Exception) -> Response[Problem]:
    """An error that nobody foresaw: told to the log, not to the caller."""
    return _failure(error)


def _failure(error: Exception) -> Response[Problem]:
    _log.error("a request failed", exc_info=wordless(error))
    return problem(500, "internal_error", "the server failed; its log says why")


def _detail(error: HTTPException, code: str) -> str:
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        return "; ".join(_complaint(one) for one in error.extra) or CODES["invalid_frame"][1]
    if code in CODES:
        return CODES[code][1]
    return HTTPStatus(error.status_code).description


def _complaint(one: object) -> str:
    match one:
        case {"key": str(key), "message": str(message)}:
            return f"{key}: {message}"
        case _:
            return CODES["invalid_frame"][1]


def handlers() -> ErrorHandlers:
    """What the routers of ours do with errors."""
    return {Refused: of_refusal, HTTPException: of_http_exception, Exception: of_failure}


def handle_routing_errors(app_handlers: ErrorHandlers, is_ours: Callable[[str], bool]) -> None:
    """Let paths of ours that have no route, or not for that method, be answered as problems.

    The framework finds those before it knows a router, so that only the application's own
    ``app_handlers`` are asked; they keep every other path.
    """
    for error_type in (NotFoundException, MethodNotAllowedException):
        theirs = _known_handler(app_handlers, error_type)
        app_handlers[error_type] = _ours_or(theirs, is_ours)


def _known_handler(known: ErrorHandlers, error_type: type[HTTPException]) -> Handler:
    keys = (error_type.status_code, error_type, HTTPException, Exception)
    handler = next((known[key] for key in keys if key in known), None)
    if handler is not None:
        return handler
    return cast("Handler", create_exception_response)


def _ours_or(theirs: Handler, is_ours: Callable[[str], bool]) -> Handler:
    def handler(request: AnyRequest, error: Exception) -> Response[Any]:
        if isinstance(error, HTTPException) and is_ours(request.scope["path"]):
            return of_http_exception(request, error)
        return theirs(request, error)

    return handler


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """For OpenAPI: that these statuses come as problems; 400, 401 and 503 always may."""
    return {
        status: ResponseSpec(
            Problem,
            description=HTTPStatus(status).phrase,
            media_type=PROBLEM_MEDIA_TYPE,
            generate_examples=False,
        )
        for status in (400, 401, *statuses, 503)
    }
