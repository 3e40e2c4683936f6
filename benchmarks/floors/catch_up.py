"""``python -m benchmarks.floors.catch_up FILE CHAT --port N``: raw sqlite3 and a bare socket send
the same bytes, 256 frames a message. One client at a time.
"""

from __future__ import annotations

import socket
import sqlite3
import struct
import sys

_EVENTS = "SELECT originator_version, state FROM stored_events WHERE originator_id = ? ORDER BY 1"
_OTHERS = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def main() -> None:
    path, chat_id, port = sys.argv[1], sys.argv[2], int(sys.argv[4])
    listening = socket.create_server(("127.0.0.1", port))
    print(f"on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    while True:
        peer, _ = listening.accept()
        with peer:
            if b"Upgrade" in peer.recv(65536):
                serve(peer, database, chat_id)
            else:
                peer.sendall(_OTHERS)


def serve(peer: socket.socket, database: sqlite3.Connection, chat_id: str) -> None:
    peer.sendall(_ACCEPT)
    peer.recv(65536)
    send(peer, b'{"type":"welcome","token":"t"}')
    peer.recv(65536)
    send(peer, b'{"type":"opened","user_chat_id":"%b"}' % chat_id.encode())
    rows = database.execute(_EVENTS, (chat_id,))
    head = b'{"user_chat_id":"%b","position":' % chat_id.encode()
    while page := rows.fetchmany(256):
        frames = [head + b"%d," % number + body.partition(b"\n")[0][1:] for number, body in page]
        send(peer, b"[" + b",".join(frames) + b"]")
    send(peer, b'{"type":"caught_up"}')
    peer.recv(65536)


def send(peer: socket.socket, text: bytes) -> None:
    if len(text) < 126:
        peer.sendall(bytes((0x81, len(text))) + text)
    elif len(text) < 65536:
        peer.sendall(struct.pack("!BBH", 0x81, 126, len(text)) + text)
    else:
        peer.sendall(struct.pack("!BBQ", 0x81, 127, len(text)) + text)


if __name__ == "__main__":
    main()
