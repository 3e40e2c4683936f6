"""``python -m benchmarks.floors NAME HOME --port N``: one floor, on the same uvicorn settings."""

from __future__ import annotations

import socket
import sys

import uvicorn

from benchmarks.floors import bare, committed, each_commit, each_commit_postgres, merged
from benchmarks.floors.sockets import application

FLOORS = {
    "bare": bare.Bare,
    "committed": committed.Committed,
    "merged": merged.Merged,
    "each_commit": each_commit.EachCommit,
    "each_commit_postgres": each_commit_postgres.EachCommitPostgres,
}


def main() -> None:
    name, home, port = sys.argv[1], sys.argv[2], int(sys.argv[4])
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    config = uvicorn.Config(
        application(FLOORS[name](home)),
        loop="uvloop",
        ws="websockets-sansio",
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
    )
    print(f"on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run([listening])


main()
