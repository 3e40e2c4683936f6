"""``chatstream token`` makes what the server with these settings takes, or says why it cannot;
``doctor`` names what is seldom meant."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from chatstream.cli.main import main
from chatstream.config import Settings
from chatstream.security.identity import Identities
from chatstream.security.local_key import local_key, local_key_path
from chatstream.timestamps import now_ms

SECRET = "a secret that only these tests know, 0123456789"


def run(*arguments: str, **environment: str):
    env = {f"CHATSTREAM_{name}": value for name, value in environment.items()}
    return CliRunner().invoke(main, list(arguments), env=env)


@pytest.fixture
def database(tmp_path: Path) -> str:
    (tmp_path / "chat.db").touch()
    return f"sqlite:///{tmp_path / 'chat.db'}"


@pytest.fixture
def keys(tmp_path: Path) -> str:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    (tmp_path / "keys.json").write_text(
        json.dumps({"keys": [json.loads(ECAlgorithm.to_jwk(public))]})
    )
    return str(tmp_path / "keys.json")


def test_it_is_signed_with_the_secret_and_taken_by_its_server():
    said = run("token", "--sub", "ann", "--scope", "admin", "--ttl", "8h", SECRET=SECRET)
    assert said.exit_code == 0
    identity = Identities(Settings(secret=SECRET)).verify(said.stdout.strip())
    assert (identity.user_id, identity.scopes) == ("ann", {"admin"})
    assert 28_700 < identity.left_s(now_ms()) <= 28_800


def test_it_has_no_scope_unless_asked_for_and_lasts_an_hour():
    said = run("token", "--sub", "ann", SECRET=SECRET)
    claims = jwt.decode(said.stdout.strip(), SECRET, ["HS256"])
    assert claims.keys() == {"sub", "iat", "exp"}
    assert claims["exp"] - claims["iat"] == 3600


def test_it_names_the_audience_the_issuer_and_the_scope_as_the_server_wants_them():
    settings = {"SECRET": SECRET, "AUDIENCE": "a,b", "ISSUER": "i,j", "SCOPE_PREFIX": "chat:"}
    said = run("token", "--sub", "ann", "--scope", "admin", "--scope", "admin", **settings)
    claims = jwt.decode(said.stdout.strip(), SECRET, ["HS256"], audience="a", issuer="i")
    assert claims["scope"] == "chat:admin"


def test_on_a_default_install_it_is_signed_with_the_key_beside_the_database(database):
    said = run("token", "--sub", "ann", "--scope", "admin", "--database", database)
    assert said.exit_code == 0
    identities = Identities(Settings(database=database))
    identities.use_local_key(local_key(local_key_path(database)))
    assert identities.verify(said.stdout.strip()).admin


def test_where_the_keys_of_a_provider_are_used_it_is_said_that_it_would_be_refused(keys):
    said = run("token", "--sub", "ann", JWKS=keys)
    assert said.exit_code == 2
    assert "identity provider" in said.stderr
    assert "would refuse" in said.stderr
    assert said.stdout == ""
    beside = run("token", "--sub", "ann", JWKS=keys, SECRET=SECRET)
    identities = Identities(Settings(jwks=keys, secret=SECRET))
    assert identities.verify(beside.stdout.strip()).user_id == "ann"


def test_where_nodes_share_a_database_a_secret_is_asked_for():
    said = run("token", "--sub", "ann", "--database", "postgresql://host.invalid/name")
    assert said.exit_code == 2
    assert "CHATSTREAM_SECRET" in said.stderr


def test_beside_no_database_no_key_is_made(tmp_path):
    said = run("token", "--sub", "ann", "--database", f"sqlite:///{tmp_path / 'none.db'}")
    assert said.exit_code == 2
    assert "there is no database" in said.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sub", ["", "me", "a\nb", "x" * 256, "a\u202eb"])
def test_who_cannot_be_a_user_gets_none(sub):
    assert run("token", "--sub", sub, SECRET=SECRET).exit_code == 2


@pytest.mark.parametrize("ttl", ["", "8", "0h", "-1h", "8 h", "1w", "1.5h", "3651d", "999999999d"])
def test_a_time_that_is_none_is_refused(ttl):
    said = run("token", "--sub", "ann", "--ttl", ttl, SECRET=SECRET)
    assert said.exit_code == 2
    assert "--ttl" in said.stderr


def test_a_scope_that_is_none_is_refused():
    assert run("token", "--sub", "ann", "--scope", "root", SECRET=SECRET).exit_code == 2


def test_doctor_warns_of_unsafe_settings_and_still_says_that_all_can_run(tmp_path, keys):
    database = f"sqlite:///{tmp_path / 'new.db'}"
    said = run("doctor", "--database", database, JWKS=keys, SECRET="short")
    assert said.exit_code == 0
    warnings = [line for line in said.stdout.splitlines() if line.startswith("warn ")]
    assert len(warnings) == 4
    assert "CHATSTREAM_AUDIENCE" in warnings[0]
    assert "ok   CHATSTREAM_JWKS: keys that can be used: 1" in said.stdout
    quiet = run("doctor", "--database", database, SECRET=SECRET)
    assert "warn" not in quiet.stdout


def test_doctor_says_that_keys_cannot_be_read(tmp_path):
    database = f"sqlite:///{tmp_path / 'new.db'}"
    said = run("doctor", "--database", database, JWKS="http://127.0.0.1:9/keys")
    assert said.exit_code == 1
    assert "BAD  CHATSTREAM_JWKS" in said.stdout


def test_an_export_into_a_file_is_for_its_owner_alone(tmp_path):
    database = f"sqlite:///{tmp_path / 'chat.db'}"
    dialogue = {"id": "d", "outcome": "abandoned", "turns": []}
    (tmp_path / "in.jsonl").write_text(json.dumps(dialogue) + "\n")
    assert run("import", str(tmp_path / "in.jsonl"), "--database", database).exit_code == 0
    out = tmp_path / "out.jsonl"
    said = run("export", "--output", str(out), "--database", database)
    assert (said.exit_code, said.stdout) == (0, "")
    assert out.read_text("utf-8") == run("export", "--database", database).stdout
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    nowhere = run("export", "--output", str(tmp_path / "no" / "x"), "--database", database)
    assert nowhere.exit_code == 2
