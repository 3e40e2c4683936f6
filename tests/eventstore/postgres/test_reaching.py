"""How a database is reached: encrypted, its server known by a certificate; through a pooler."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg.conninfo import conninfo_to_dict
from tests.eventstore.contract import STORED, TABLES, A, B, append, bodies, write
from tests.kit.postgres import embedded, new_database, own_server
from tests.kit.server import free_port

from chatstream.errors import ConfigurationError
from chatstream.eventstore.postgres import embedded as postgres_embedded
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.eventstore.store import Conflict, Stored

pytestmark = pytest.mark.postgres


def certificate(folder: Path, owner: os.stat_result) -> Path:
    """A new certificate for ``localhost`` that vouches for itself, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for path, content in (("server.crt", made.public_bytes(pem)), ("server.key", secret)):
        (folder / path).write_bytes(content)
        (folder / path).chmod(0o600)
        os.chown(folder / path, owner.st_uid, owner.st_gid)
    return folder / "server.crt"


@pytest.fixture
def with_tls(monkeypatch) -> None:
    """The wheel's server is built without TLS: take one of the machine."""
    others = [one for one in postgres_embedded._installations() if "pgserver" not in str(one)]
    if not others:
        pytest.skip("there is no PostgreSQL here but the wheel's, which knows no TLS")
    monkeypatch.setattr(postgres_embedded, "_installations", lambda: iter(others))


def test_the_connection_may_be_encrypted_and_the_server_be_known(with_tls, tmp_path):
    with own_server() as server:
        port = free_port()
        crt = certificate(server.folder, server.folder.stat())
        server.stop()
        server.start(f"-c listen_addresses=localhost -c port={port} -c ssl=on")
        root = tmp_path / "root.crt"
        shutil.copy(crt, root)
        base = f"postgresql://postgres@localhost:{port}/postgres?sslmode=verify-full"
        engine = PostgresEngine(f"{base}&sslrootcert={root}", TABLES)
        engine.open()
        assert write(engine, append(A, 0, "one")) == [STORED]
        connections = engine.fetch(
            "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
            " WHERE application_name = 'chatstream'",
            (),
        )
        assert connections == [(2, True)]
        engine.close()
        other = certificate(tmp_path, tmp_path.stat())
        with pytest.raises(ConfigurationError, match="certificate"):
            PostgresEngine(f"{base}&sslrootcert={other}", TABLES).open()


@pytest.fixture
def pooled(tmp_path) -> Iterator[str]:
    """The URL of an empty database behind a PgBouncer in transaction mode, with two connections
    for everybody."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("there is no pgbouncer here")
    embedded()
    given = conninfo_to_dict(new_database())
    port = free_port()
    settings = tmp_path / "pgbouncer.ini"
    settings.write_text(f"""[databases]
{given["dbname"]} = host={given["host"]} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
""")
    # Whose the database is: root it refuses to be.
    user = embedded().folder.stat().st_uid if os.geteuid() == 0 else None
    settings = shutil.move(settings, embedded().folder.parent)
    process = subprocess.Popen([program, "-q", str(settings)], user=user)
    dsn = f"postgresql://postgres@127.0.0.1:{port}/{given['dbname']}"
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
            break
        except psycopg.OperationalError:
            assert process.poll() is None
            time.sleep(0.02)
    yield dsn
    process.terminate()
    process.wait()


def test_no_connection_carries_anything_from_one_transaction_to_the_next(pooled):
    """Five engines share two connections, so each statement may find another one."""
    outcomes: list[object] = []

    def write_many(chat_id):
        engine = PostgresEngine(pooled, TABLES)
        engine.open()
        for number in range(20):
            outcomes.extend(write(engine, append(chat_id, number, str(number))))
            outcomes.extend(write(engine, append(B, number, str(number))))
            assert len(engine.read(chat_id, 0, 100, None)) == number + 1
        engine.close()

    threads = [threading.Thread(target=write_many, args=(f"chat_{n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {type(one) for one in outcomes} == {Stored, Conflict}
    assert len(outcomes) == 200
    engine = PostgresEngine(pooled, TABLES)
    engine.open()
    try:
        for number in range(5):
            assert bodies(engine, f"chat_{number}") == [str(n) for n in range(20)]
        assert len(bodies(engine, B)) > 0
    finally:
        engine.close()
