"""An identity provider on the loopback that is quick, slow, silent or hostile, as a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm

PRIVATE = ec.generate_private_key(ec.SECP256R1())
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def jwk(kid: str) -> dict:
    return json.loads(ECAlgorithm.to_jwk(PRIVATE.public_key())) | {"kid": kid}


def document(*kids: str) -> bytes:
    return json.dumps({"keys": [jwk(kid) for kid in kids]}).encode()


def token(kid: str, key: ec.EllipticCurvePrivateKey = PRIVATE) -> str:
    claims = {"sub": "ann", "exp": time.time() + 600}
    return jwt.encode(claims, key, "ES256", {"kid": kid})


def forged(kid: str) -> str:
    return token(kid, ec.generate_private_key(ec.SECP256R1()))


def whole(body: bytes, head: bytes = b"HTTP/1.1 200 OK") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        length = b"content-length: %d" % len(body)
        writer.write(b"\r\n".join((head, length, b"connection: close", b"", body)))

    return answer


def redirect(target: str) -> Answer:
    return whole(b"", b"HTTP/1.1 302 Found\r\nlocation: " + target.encode())


async def silent(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def dripping_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx: ")
    await drip(writer)


async def dripping_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    await drip(writer)


async def dripping_body_without_a_length(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
    await drip(writer)


async def drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


SLOW = [silent, dripping_head, dripping_body, dripping_body_without_a_length]


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself, as a file and for a server."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, PRIVATE.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(PRIVATE, hashes.SHA256())
    )
    path, key = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        PRIVATE.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return path, context


class Provider:
    """An identity provider that answers as the test wants, and counts."""

    def __init__(self) -> None:
        self.answer: Answer = whole(document("one"))
        self.answers: dict[str, Answer] = {}
        self.paths: list[str] = []
        self._tasks: set[asyncio.Task] = set()

    @property
    def requests(self) -> int:
        return len(self.paths)

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/keys"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split()[1].decode()
            self.paths.append(path)
            with contextlib.suppress(OSError):
                await self.answers.get(path, self.answer)(writer)
                await writer.drain()
        except (asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def asked(self, times: int) -> None:
        """Wait until it was asked so often."""
        while self.requests < times:  # noqa: ASYNC110 - of a thread or another process
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
