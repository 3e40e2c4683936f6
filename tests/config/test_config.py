"""Settings: where each comes from, and what is said when one is wrong."""

from __future__ import annotations

import pytest

from chatstream.config import Settings, unknown, variable
from chatstream.errors import ConfigurationError
from chatstream.timestamps import to_text


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
        ("CHATSTREAM_HOSTS", "chat.example:8000"),
        ("CHATSTREAM_HOSTS", "https://chat.example"),
        ("CHATSTREAM_HOSTS", "chat.*.example"),
        ("CHATSTREAM_CONNECTIONS_PER_ADDRESS", "-1"),
        ("CHATSTREAM_ANONYMOUS", "maybe"),
        ("CHATSTREAM_PREFIX", "/api/../v1"),
        ("CHATSTREAM_PREFIX", "/."),
    ],
)
def test_a_wrong_value_is_refused_with_its_variable_and_itself(name, value):
    with pytest.raises(ConfigurationError) as refused:
        Settings.load({name: value})
    assert name in str(refused.value)
    assert repr(value) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("CHATSTREAM_MAX_FRAME_BYTES", "10", ">= 512"),
        ("CHATSTREAM_MAX_FRAME_BYTES", "64000001", "<= 64000000"),
        ("CHATSTREAM_MAX_CONTENT_BYTES", "0", ">= 1"),
        ("CHATSTREAM_MAX_CONTENT_BYTES", "10000001", "<= 10000000"),
        ("CHATSTREAM_HELLO_TIMEOUT", "0.001", ">= 0.01"),
        ("CHATSTREAM_TURN_TIMEOUT", "1e-9", ">= 0.01"),
        ("CHATSTREAM_SESSION_TTL", "1e11", "<= 10000000000"),
        ("CHATSTREAM_IDLE_DISCONNECT", "1e300", "<= 10000000000"),
        ("CHATSTREAM_NODE_LEASE", "0.05", ">= 0.1"),
        ("CHATSTREAM_DRAIN", "86401", "<= 86400"),
        ("CHATSTREAM_LOG", "xml", "text or json"),
    ],
)
def test_a_value_that_no_server_could_work_with_is_refused_with_its_bound(name, value, bound):
    with pytest.raises(ConfigurationError, match=f"{name}: {value!r} .*{bound}"):
        Settings.load({name: value})


def test_whoever_means_never_may_say_so_and_all_dates_can_still_be_written():
    environ = {"CHATSTREAM_ABANDON_AFTER": "9999999999", "CHATSTREAM_VISITOR_TTL": "9999999999"}
    settings = Settings.load(environ)
    now_ms = 1_800_000_000_000
    for seconds in (-settings.abandon_after_s, settings.visitor_ttl_s):
        assert len(to_text(now_ms + round(seconds * 1000))) == len("2027-01-15T08:00:00.000Z")


def test_the_largest_contents_fit_into_a_frame_that_may_be_set():
    large = Settings.load({"CHATSTREAM_MAX_CONTENT_BYTES": "10000000"})
    given = {"CHATSTREAM_MAX_FRAME_BYTES": str(large.max_frame_bytes)}
    assert Settings.load(given).max_frame_bytes == large.max_frame_bytes


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CHATSTREAM_RATELIMIT", "CHATSTREAM_RATE_LIMIT"),
        ("CHATSTREAM_ABANDON_AFTER_S", "CHATSTREAM_ABANDON_AFTER"),
        ("CHATSTREAM_DATABASE_URL", "CHATSTREAM_DATABASE"),
        ("CHATSTREAM_ORIGIN", "CHATSTREAM_ORIGINS"),
    ],
)
def test_a_variable_that_is_no_setting_is_told_with_the_nearest_one_and_not_its_value(name, meant):
    (line,) = unknown({name: "hunter2", "PATH": "/bin"})
    assert line == f"{name} is no setting and has no effect; did you mean {meant}?"


def test_a_variable_that_is_like_none_is_told_all_the_same():
    assert unknown({"CHATSTREAM_ZZZ": "1"}) == ["CHATSTREAM_ZZZ is no setting and has no effect"]


def test_nothing_is_told_of_settings_and_of_what_others_name_after_us():
    ours = {variable(name): "x" for name in Settings.__struct_fields__}
    kubernetes = {
        "CHATSTREAM_SERVICE_HOST": "10.0.0.1",
        "CHATSTREAM_SERVICE_PORT_HTTP": "80",
        "CHATSTREAM_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "CHATSTREAM_PORT_8000_TCP_ADDR": "10.0.0.1",
        "CHATSTREAM_DB_SERVICE_PORT": "5432",
        "CHATSTREAM_DB_PORT": "tcp://10.0.0.2:5432",
    }
    others = {"CHATSTREAM_TEST_DSN": "x", "CHATSTREAM_TOKEN": "x", "CHATSTREAM_EMPTY": ""}
    assert unknown({**ours, **kubernetes, **others}) == []


def test_the_address_of_a_service_in_the_variable_of_the_port_is_told_with_what_to_do():
    with pytest.raises(ConfigurationError, match="enableServiceLinks: false"):
        Settings.load({"CHATSTREAM_PORT": "tcp://10.0.0.1:8000"})


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


def test_a_misspelt_name_in_a_file_is_refused_with_the_nearest_one(toml):
    with pytest.raises(ConfigurationError, match=r"'hertbeat'; did you mean heartbeat\?"):
        Settings.load({}, toml("hertbeat = 3\n"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        Settings.load({}, tmp_path / "none.toml")


def test_an_unknown_argument_is_refused():
    with pytest.raises(ConfigurationError, match="'colour'"):
        Settings.load({}, colour="red")


def test_hosts_are_separated_by_commas_and_brought_to_one_form(toml):
    environ = {"CHATSTREAM_HOSTS": "Chat.Example., *.people.example ,[::1],*,, my_host"}
    expected = ("chat.example", "*.people.example", "[::1]", "*", "my_host")
    assert Settings.load(environ).hosts == expected
    path = toml('hosts = ["chat.example", "*.people.example"]')
    assert Settings.load({}, path).hosts == expected[:2]


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
