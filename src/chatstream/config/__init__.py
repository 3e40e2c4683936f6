"""The settings of a server: one frozen struct, read once at the edge.

``Settings.load`` takes each one from the first place that names it: arguments, the environment
(``CHATSTREAM_*``), a TOML file, the default. Names in a TOML file are those of the environment
in lower case and without the prefix: ``abandon_after = 300``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from chatstream.config.origins import normal_origin
from chatstream.config.unknown import ADDRESS, PREFIX, did_you_mean, unknown_variables
from chatstream.errors import ConfigurationError

# Below a hundredth of a second nothing gets done between two looks at the clock; 300 years before
# or after today is still a date that can be written.
_LEAST_SECONDS = 0.01
_MOST_SECONDS = 10_000_000_000
Seconds = Annotated[float, Meta(ge=_LEAST_SECONDS, le=_MOST_SECONDS)]
SecondsOrOff = Annotated[float, Meta(ge=0, le=_MOST_SECONDS)]
# A lease is renewed three times while it runs, by a round trip to the database each.
LeaseSeconds = Annotated[float, Meta(ge=0.1, le=_MOST_SECONDS)]
DrainSeconds = Annotated[float, Meta(ge=_LEAST_SECONDS, le=86_400)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]
Limit = Annotated[int, Meta(ge=0)]
"""0 is no limit."""
# The least holds a hello with its token, and any other frame whose ids are of the longest. The
# most: clients take messages of up to 64 MiB, and what one sends all others must be able to read.
FrameBytes = Annotated[int, Meta(ge=512, le=64_000_000)]
ContentBytes = Annotated[int, Meta(ge=1, le=10_000_000)]
# A browser takes segments of only dots away before it asks.
Prefix = Annotated[str, Meta(pattern=r"^(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*$")]
Database = Annotated[
    str,
    Meta(pattern=r"^(sqlite:///(?!:memory:$).+|postgres(ql)?://.+|postgres-embedded(:///.+)?)$"),
]

_ESCAPED_BYTES = 6  # the longest that a byte of content becomes: \\u0001
_AROUND_CONTENT_BYTES = 65_536
# A name, `*.` for all names below one, `*` for all; without a port, which any may have.
HostPattern = Annotated[
    str,
    Meta(pattern=r"^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$"),
]
# The characters of a scope (RFC 6749, section 3.3).
ScopePrefix = Annotated[str, Meta(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]*\Z", max_length=255)]
Nats = Annotated[str, Meta(pattern=r"^(nats|tls)://.+$")]

# What a setting with a form of its own looks like, for whoever gave another.
_EXPECTED = {
    "database": "expected sqlite:///FILE, postgresql://… or postgres-embedded",
    "prefix": "expected a path like /api/v1, or nothing",
    "hosts": "expected names like chat.example.com or *.example.com, without a port",
    "nats": "expected nats://host:4222/subject",
    "log": "expected text or json",
    "log_errors": "expected place or full",
    "scope_prefix": "expected text without blanks, quotes and backslashes, as scopes are",
}
_SERVICE_ADDRESS = (
    "Kubernetes sets it for a Service of the name chatstream; give the pod"
    " `enableServiceLinks: false`, or the Service another name"
)
_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that can be set. A name that ends in ``_s`` is in seconds, fractions allowed;
    its variable has no such ending (``abandon_after_s`` is ``CHATSTREAM_ABANDON_AFTER``)."""

    agent: str | None = None
    """``module:name`` of the agent; None is the built-in one."""
    model: str | None = None
    """``provider:name`` of a language model, for what the assistant does not understand by
    itself; needs the extra ``chatstream-server[llm]``."""
    host: str = "127.0.0.1"
    port: Port = 8000
    """0 lets the system choose."""
    database: Database = "sqlite:///chatstream.db"
    prefix: Prefix = "/api/v1"
    origins: tuple[str, ...] = ()
    """Foreign origins whose pages may use the server, as ``https://app.example``."""
    hosts: tuple[HostPattern, ...] = ()
    """Host names that the server answers to, as ``chat.example`` or ``*.example``; none: over
    loopback the names of loopback, else all."""
    abandon_after_s: Seconds = 300
    session_ttl_s: Seconds = 1800
    idle_disconnect_s: SecondsOrOff = 0
    """0 is never."""
    heartbeat_s: Seconds = 20
    hello_timeout_s: Seconds = 5
    slow_reader_s: Seconds = 30
    max_frame_bytes: FrameBytes = 262_144
    max_content_bytes: ContentBytes = 32_768
    visitor_ttl_s: Seconds = 31_536_000
    rate_limit: Limit = 100
    """Commands in 10 s for each user; 0 is off."""
    connections_per_user: Limit = 100
    """Sockets, event streams and waits of one user at once."""
    connections_per_address: Limit | None = None
    """The same of one address; None is 1,000 for a public one. A proxy that names nobody is one
    address."""
    chats_per_socket: Limit = 200
    """Chats that one socket follows at once."""
    new_per_address: Limit | None = None
    """New visitors and new chats in 10 s of one address; None is 200 for a public one."""
    new_chats_per_user: Limit = 1_000
    """New chats of one user in an hour."""
    reminders_per_user: Limit = 1_000
    """Reminders that agents set for one user in an hour."""
    turn_timeout_s: Seconds = 300
    max_attempts: Positive = 3
    node_lease_s: LeaseSeconds = 5
    nats: Nats | None = None
    """Where nodes on one database talk, in place of the database's own NOTIFY."""
    drain_s: DrainSeconds = 10
    secret: str | None = None
    """The key of HS256 tokens."""
    jwks: str | None = None
    """File or URL of the keys of RS256 and ES256 tokens."""
    audience: tuple[str, ...] = ()
    """One of these must be in the ``aud`` of a host's token; none: it is not looked at."""
    issuer: tuple[str, ...] = ()
    """One of these must be the ``iss`` of a host's token; none: it is not looked at."""
    scope_prefix: ScopePrefix = ""
    """What stands before each name of a scope in a token: ``chatstream:`` for
    ``chatstream:admin``."""
    anonymous: bool | None = None
    """Whether callers without a token get a visitor identity; None is the protocol's rule."""

    log: Literal["text", "json"] = "text"
    """How ``chatstream serve`` writes its log; ``json`` is one object a line."""
    log_errors: Literal["place", "full"] = "place"
    """What the log tells of an error: its kind and place, or with ``full`` its words, too, which
    may quote what people said."""
    tracing: bool = False
    """OpenTelemetry spans of turns, with the extra ``chatstream-server[otel]``; where and how
    they are sent is OpenTelemetry's own ``OTEL_*``."""

    @property
    def anonymous_allowed(self) -> bool:
        """On where neither ``secret`` nor ``jwks`` is set, unless said otherwise."""
        if self.anonymous is not None:
            return self.anonymous
        return self.signs_locally

    @property
    def signs_locally(self) -> bool:
        """Whether no key for users' tokens is configured, so that a key of the machine counts."""
        return self.secret is None and self.jwks is None

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str],
        toml_path: Path | None = None,
        **overrides: object,
    ) -> Settings:
        """Settings from arguments, environment, file and defaults; an argument that is None
        and a variable that is empty do not count.

        Raises:
            ConfigurationError: naming what is wrong, where it was set, and its value.
        """
        given = _from_file(toml_path) | _from_environment(environ) | _from_arguments(overrides)
        values = {name: _converted(name, one) for name, one in given.items()}
        return _roomy(msgspec.convert(values, cls), values)

    def __repr__(self) -> str:
        shown = ((name, getattr(self, name)) for name in _FIELDS if name not in _SECRET)
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown)})"


def _roomy(settings: Settings, given: Mapping[str, object]) -> Settings:
    """A frame holds any legal content, however it is escaped, unless its own size is given."""
    needed = settings.max_content_bytes * _ESCAPED_BYTES + _AROUND_CONTENT_BYTES
    if "max_frame_bytes" in given or settings.max_frame_bytes >= needed:
        return settings
    return msgspec.structs.replace(settings, max_frame_bytes=needed)


_FIELDS = {field.name: field.type for field in msgspec.structs.fields(Settings)}
_SECRET = frozenset({"secret", "database", "nats"})  # a database URL may hold a password


def variable(field_name: str) -> str:
    """The environment variable of a setting: ``CHATSTREAM_ABANDON_AFTER``."""
    return f"{PREFIX}{_short(field_name).upper()}"


def unknown(environ: Mapping[str, str]) -> list[str]:
    """What to say of variables that look like settings and are none."""
    return list(unknown_variables(environ, [variable(name) for name in _FIELDS]))


def _short(field_name: str) -> str:
    return field_name.removesuffix("_s")


class _Given(Struct, frozen=True):
    source: str
    value: object


def _from_arguments(overrides: Mapping[str, object]) -> dict[str, _Given]:
    _refuse_strange(overrides, _FIELDS)
    return {
        name: _Given(f"the argument {name}", value)
        for name, value in overrides.items()
        if value is not None
    }


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    return {
        name: _Given(variable(name), environ[variable(name)])
        for name in _FIELDS
        if environ.get(variable(name))
    }


def _from_file(path: Path | None) -> dict[str, _Given]:
    if path is None:
        return {}
    values = _read_toml(path)
    names = {_short(name): name for name in _FIELDS}
    _refuse_strange(values, names, where=f"{path}: ")
    return {names[key]: _Given(f"{key} in {path}", value) for key, value in values.items()}


def _refuse_strange(
    given: Mapping[str, object], known: Mapping[str, object], where: str = ""
) -> None:
    if strange := given.keys() - known.keys():
        wrong = min(strange)
        meant = did_you_mean(wrong, known)
        raise ConfigurationError(f"{where}there is no setting {wrong!r}{meant}")


def _read_toml(path: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from error


def _converted(name: str, given: _Given) -> object:
    try:
        plain = _prepared(name, given.value)
        return _checked(msgspec.convert(plain, _FIELDS[name], strict=False))
    except ValueError as error:
        value = "the value given" if name in _SECRET else repr(given.value)
        reason = _SERVICE_ADDRESS if _is_address(name, given) else _EXPECTED.get(name, error)
        raise ConfigurationError(f"{given.source}: {value} is not valid: {reason}") from error


def _is_address(name: str, given: _Given) -> bool:
    return name == "port" and ADDRESS.match(str(given.value)) is not None


def _prepared(name: str, value: object) -> object:
    match name, value:
        case "origins", str():
            return _origins(value.split(","))
        case "origins", _:
            return _origins(msgspec.convert(value, list[str]))
        case "hosts", str():
            return _hosts(value.split(","))
        case "hosts", _:
            return _hosts(msgspec.convert(value, list[str]))
        case "audience" | "issuer", str():
            return _names(value.split(","))
        case "audience" | "issuer", _:
            return _names(msgspec.convert(value, list[str]))
        case "anonymous" | "tracing", str():
            return _switched(value.lower())
        case _:
            return value


def _checked(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("expected a finite number")
    return value


def _switched(text: str) -> bool:
    if text not in _SWITCH:
        raise ValueError("expected on or off")
    return _SWITCH[text]


def _names(texts: list[str]) -> list[str]:
    """Each without blanks around it. None at all would be no check, where one was asked for."""
    names = [text.strip() for text in texts]
    if not all(names):
        raise ValueError("expected names, separated by commas")
    return names


def _origins(texts: list[str]) -> list[str]:
    return [_origin(text.strip()) for text in texts if text.strip()]


def _hosts(texts: list[str]) -> list[str]:
    names = (text.strip().lower().removesuffix(".") for text in texts)
    return [name for name in names if name]


def _origin(text: str) -> str:
    normal = normal_origin(text.removesuffix("/"))
    if normal is None:
        raise ValueError(f"{text!r} is no origin; expected one like https://app.example")
    return normal
