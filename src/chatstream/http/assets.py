"""The built front end: the widget's scripts and the full page, as files of the package.

A name with its content's hash in it never changes and is kept for ever; the small names that
host pages write are asked for each time and answered with 304 when they are known. ``.br`` and
``.gz`` files beside a file are its compressed forms, made when it was built.
"""

from __future__ import annotations

import hashlib
import html
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from msgspec import Struct
from msgspec.structs import replace

from chatstream.errors import Refused

PAGE: Final = "index.html"
STATIC: Final = Path(__file__).parent.parent / "static"

PAGE_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "font-src 'self'; "
    "connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'self'; "
    "require-trusted-types-for 'script'"
)
"""Of the full page: its own files and nothing else, no script or style in the text."""

_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_COMPRESSED = tuple(suffix for _, suffix in _ENCODINGS)
# The table of the machine may call a script anything, and takes a while to read.
_MEDIA_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".map": "application/json",
    ".css": "text/css",
    ".html": "text/html",
    ".txt": "text/plain",
}


class Asset(Struct, frozen=True):
    """One file as it is served; ``encoded`` its compressed forms by their coding."""

    content: bytes
    media_type: str
    etag: str
    is_immutable: bool
    encoded: Mapping[str, bytes]


class Assets:
    """All files of a directory, read once, by the names that URLs use."""

    def __init__(
        self, directory: Path = STATIC, suggestions: Sequence[str] = (), server: str = ""
    ) -> None:
        """A directory that does not exist has no files. ``suggestions`` are first messages to
        choose from, on the full page, and ``server`` is where its API is."""
        hashed_names = _manifest(directory)
        immutable = frozenset(hashed_names.values())
        files = {name: directory / name for name in _names(directory)}
        files |= {name: directory / hashed for name, hashed in hashed_names.items()} | files
        # A file may have two names: read once, kept once.
        read = {path: _asset(path) for path in {*files.values()} if path.is_file()}
        self._assets = {
            name: replace(read[path], is_immutable=name in immutable)
            for name, path in files.items()
            if path in read
        }
        told = {
            "server": server,
            "suggestions": msgspec.json.encode(suggestions).decode() if suggestions else "",
        }
        if PAGE in self._assets and any(told.values()):
            self._assets[PAGE] = _telling(self._assets[PAGE], told)

    def respond(self, request: Request[Any, Any, State], name: str) -> Response[bytes]:
        """The file ``name`` in the form that the request takes.

        Raises:
            Refused: ``not_found``.
        """
        asset = self._assets.get(name)
        if asset is None:
            raise Refused("not_found")
        headers = _headers(asset)
        if _is_known(asset, request.headers.get("if-none-match", "")):
            return Response(b"", status_code=304, headers=headers, media_type=asset.media_type)
        content = asset.content
        coding = _best_coding(asset, request.headers.get("accept-encoding", ""))
        if coding is not None:
            content, headers["Content-Encoding"] = asset.encoded[coding], coding
        return Response(content, headers=headers, media_type=asset.media_type)


def _manifest(directory: Path) -> dict[str, str]:
    path = directory / "manifest.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.is_file() else {}


def _names(directory: Path) -> list[str]:
    return [
        path.relative_to(directory).as_posix()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix not in _COMPRESSED and path.name != "manifest.json"
    ]


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    packed = {coding: path.with_name(path.name + suffix) for coding, suffix in _ENCODINGS}
    return Asset(
        content=content,
        media_type=_media_type(path),
        # Weak: one for all codings of the content.
        etag=_etag(content),
        is_immutable=False,
        encoded={coding: one.read_bytes() for coding, one in packed.items() if one.is_file()},
    )


def _telling(page: Asset, attributes: Mapping[str, str]) -> Asset:
    """The page with what its chat is told as attributes; small enough to go as it is."""
    chat = b"<chatstream-chat "
    said = "".join(f'{name}="{html.escape(value)}" ' for name, value in attributes.items() if value)
    content = page.content.replace(chat, chat + said.encode(), 1)
    return replace(page, content=content, etag=_etag(content), encoded={})


def _etag(content: bytes) -> str:
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


def _media_type(path: Path) -> str:
    return (
        _MEDIA_TYPES.get(path.suffix)
        or mimetypes.guess_type(path.name)[0]
        or "application/octet-stream"
    )


def _headers(asset: Asset) -> dict[str, str]:
    forever = "public, max-age=31536000, immutable"
    headers = {
        "Cache-Control": forever if asset.is_immutable else "no-cache",
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
        # Scripts and fonts are public; pages of other origins load them.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if asset.media_type == "text/html":
        headers["Content-Security-Policy"] = PAGE_POLICY
    return headers


def _is_known(asset: Asset, if_none_match: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or asset.etag.removeprefix("W/") in tags


def _best_coding(asset: Asset, accept_encoding: str) -> str | None:
    accepted = {
        coding.strip().lower()
        for coding, _, quality in (one.partition(";") for one in accept_encoding.split(","))
        if quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    }
    return next(
        (coding for coding, _ in _ENCODINGS if coding in accepted & asset.encoded.keys()), None
    )
