"""A site of another origin that puts the chat on its pages."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Site:
    """Serves `files`, by path, with `headers`; both may be filled after the start."""

    def __init__(self) -> None:
        site = self
        self.files: dict[str, tuple[str, bytes]] = {}
        self.headers: dict[str, str] = {}

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, content = site.files.get(self.path.partition("?")[0], ("text/plain", b""))
                self.send_response(200 if content else 404)
                self.send_header("Content-Type", kind)
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self, html: str, path: str = "/") -> None:
        """Serve `html` at `path`."""
        self.files[path] = ("text/html; charset=utf-8", html.encode())
