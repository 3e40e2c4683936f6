"""How the peers' servers run: uvicorn and uvloop, as ours."""

from __future__ import annotations

import argparse
import socket
from typing import Any

import uvicorn


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("home")
    parser.add_argument("--port", type=int)
    return parser.parse_args()


def serve(app: Any, port: int) -> None:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    print(f"on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app, loop="uvloop", ws_per_message_deflate=False, log_config=None, access_log=False
    )
    uvicorn.Server(config).run([listening])
