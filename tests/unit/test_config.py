"""Settings: where each comes from, and what is said when one is wrong."""

from __future__ import annotations

import pytest

from chatstream.config import Settings, variable
from chatstream.errors import ConfigurationError


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "chatstream.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def test_the_defaults_are_those_of_the_protocol():
    settings = Settings.load({})
    assert settings.database == "sqlite:///chatstream.db"
    assert settings.prefix == "/api/v1"
    assert settings.origins == ()
    assert (settings.abandon_after_s, settings.session_ttl_s) == (300, 1800)
    assert settings.idle_disconnect_s == 0
    assert (settings.heartbeat_s, settings.hello_timeout_s, settings.slow_reader_s) == (20, 5, 30)
    assert (settings.max_frame_bytes, settings.max_content_bytes) == (262144, 32768)
    assert settings.visitor_ttl_s == 31536000
    assert settings.rate_limit == 100
    assert (settings.turn_timeout_s, settings.max_attempts) == (300, 3)
    assert (settings.node_lease_s, settings.drain_s) == (5, 10)


def test_a_frame_holds_any_legal_content_however_it_is_escaped_unless_its_size_is_given():
    large = Settings.load({"CHATSTREAM_MAX_CONTENT_BYTES": "100000"})
    assert large.max_frame_bytes >= 6 * 100_000
    assert Settings.load({"CHATSTREAM_MAX_CONTENT_BYTES": "10"}).max_frame_bytes == 262144
    given = {"CHATSTREAM_MAX_CONTENT_BYTES": "100000", "CHATSTREAM_MAX_FRAME_BYTES": "2000"}
    assert Settings.load(given).max_frame_bytes == 2000


def test_an_argument_beats_the_environment_which_beats_the_file_which_beats_the_default(toml):
    path = toml("port = 1\nhost = 'file'\nheartbeat = 7\n")
    environ = {"CHATSTREAM_PORT": "2", "CHATSTREAM_HOST": "environment"}
    settings = Settings.load(environ, path, port=3)
    assert (settings.port, settings.host, settings.heartbeat_s) == (3, "environment", 7)
    assert settings.drain_s == 10


def test_seconds_may_be_fractions():
    assert Settings.load({"CHATSTREAM_ABANDON_AFTER": "0.25"}).abandon_after_s == 0.25


def test_a_variable_is_named_like_its_setting_without_the_unit():
    assert variable("abandon_after_s") == "CHATSTREAM_ABANDON_AFTER"
    assert variable("max_frame_bytes") == "CHATSTREAM_MAX_FRAME_BYTES"


def test_an_argument_that_is_none_and_an_empty_variable_do_not_count():
    assert Settings.load({"CHATSTREAM_SECRET": ""}, port=None) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHATSTREAM_PORT", "http"),
        ("CHATSTREAM_PORT", "65536"),
        ("CHATSTREAM_ABANDON_AFTER", "-1"),
        ("CHATSTREAM_ABANDON_AFTER", "0"),
        ("CHATSTREAM_DRAIN", "nan"),
        ("CHATSTREAM_DRAIN", "inf"),
        ("CHATSTREAM_MAX_ATTEMPTS", "0"),
        ("CHATSTREAM_PREFIX", "api"),
        ("CHATSTREAM_PREFIX", "/api/"),
        ("CHATSTREAM_ORIGINS", "app.example"),
        ("CHATSTREAM_ORIGINS", "https://app.example/path"),
        ("CHATSTREAM_ANONYMOUS", "maybe"),
    ],
)
def test_a_wrong_value_is_refused_with_its_variable_and_itself(name, value):
    with pytest.raises(ConfigurationError) as refused:
        Settings.load({name: value})
    assert name in str(refused.value)
    assert repr(value) in str(refused.value)


def test_a_wrong_database_is_refused_without_showing_its_password():
    with pytest.raises(ConfigurationError, match="CHATSTREAM_DATABASE") as refused:
        Settings.load({"CHATSTREAM_DATABASE": "mysql://me:hunter2@db/chat"})
    assert "hunter2" not in str(refused.value)


def test_the_text_form_of_settings_holds_no_secret():
    settings = Settings(secret="canary", database="postgresql://me:canary@db/chat")
    assert "canary" not in repr(settings)


def test_what_is_wrong_in_a_file_is_named_with_the_file(toml):
    for text in ("prot = 8000\n", "port = 'x'\n", "port = \n"):
        path = toml(text)
        with pytest.raises(ConfigurationError, match=r"chatstream\.toml"):
            Settings.load({}, path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        Settings.load({}, tmp_path / "none.toml")


def test_an_unknown_argument_is_refused():
    with pytest.raises(ConfigurationError, match="'colour'"):
        Settings.load({}, colour="red")


def test_origins_are_separated_by_commas_and_brought_to_one_form(toml):
    environ = {"CHATSTREAM_ORIGINS": "https://App.example:443/, http://localhost:3000,"}
    expected = ("https://app.example", "http://localhost:3000")
    assert Settings.load(environ).origins == expected
    path = toml('origins = ["https://app.example", "http://localhost:3000"]')
    assert Settings.load({}, path).origins == expected


@pytest.mark.parametrize(
    ("environ", "allowed"),
    [
        ({}, True),
        ({"CHATSTREAM_SECRET": "s"}, False),
        ({"CHATSTREAM_JWKS": "keys.json"}, False),
        ({"CHATSTREAM_SECRET": "s", "CHATSTREAM_ANONYMOUS": "on"}, True),
        ({"CHATSTREAM_ANONYMOUS": "OFF"}, False),
    ],
)
def test_anonymous_is_on_with_neither_key_unless_said_otherwise(environ, allowed):
    assert Settings.load(environ).anonymous_allowed is allowed
