"""The command ``chatstream``: serve, talk, and look into what is stored.

Each command's work lies in a module of its own, imported when it is called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from chatstream.errors import ChatStreamError
from chatstream.printable import one_line, printable, printable_json
from chatstream.security.scopes import SCOPES, Scope

if TYPE_CHECKING:
    from chatstream.config import Settings


class _Commands(click.Group):
    """Says what is wrong in one line, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ChatStreamError as error:
            click.echo(printable(f"chatstream: {error}", line_feed="\n    "), err=True)
            sys.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chatstream-server")
def main() -> None:
    """The durable conversation back end for AI assistants."""


_CONFIG = click.option(
    "--config",
    "toml_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with settings; the environment (CHATSTREAM_*) comes before it.",
)
_DATABASE = click.option(
    "--database",
    help="sqlite:///FILE (default sqlite:///chatstream.db), postgresql://…, or postgres-embedded.",
)


def _settings(toml_path: Path | None, **overrides: object) -> Settings:
    """Settings of a tool, which tells people what they may have misspelt."""
    for line in _remarks():
        click.echo(one_line(f"chatstream: {line}"), err=True)
    return _load(toml_path, **overrides)


def _load(toml_path: Path | None, **overrides: object) -> Settings:
    from chatstream.config import Settings

    return Settings.load(os.environ, toml_path, **overrides)


def _remarks() -> list[str]:
    from chatstream.config import unknown

    return unknown(os.environ)


@main.command()
@click.option("--agent", help="The agent, as module:name. Without it the built-in one answers.")
@_DATABASE
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default 8000); 0 takes a free one.")
@_CONFIG
def serve(
    agent: str | None,
    database: str | None,
    host: str | None,
    port: int | None,
    toml_path: Path | None,
) -> None:
    """Run the server."""
    import gc

    # What is imported and wired is no garbage, and looking for some takes a tenth of the start.
    gc.disable()
    try:
        from chatstream.server.serve import run

        settings = _load(toml_path, agent=agent, database=database, host=host, port=port)
        run(settings, _remarks())
    finally:
        gc.enable()


@main.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The server.")
@click.option("--token", envvar="CHATSTREAM_TOKEN", help="Who you are; a visitor without it.")
@click.argument("chat_id", required=False)
def chat(url: str, token: str | None, chat_id: str | None) -> None:
    """Talk to a running server; with CHAT_ID go on with that chat."""
    import asyncio

    from chatstream.cli.terminal import chat as talk

    asyncio.run(talk(url, token, chat_id))


@main.command()
@click.argument("chat_id")
@click.option("--at", "position", type=click.IntRange(min=1), help="As it stood at a position.")
@click.option("--json", "as_json", is_flag=True, help="The event frames, one a line.")
@_DATABASE
@_CONFIG
def replay(
    chat_id: str,
    position: int | None,
    *,
    as_json: bool,
    database: str | None,
    toml_path: Path | None,
) -> None:
    """Show the conversation CHAT_ID, rebuilt from its events."""
    from chatstream.ids import ChatId
    from chatstream.maintenance.reader import reading
    from chatstream.maintenance.replay import frames, transcript

    told, shown = (frames, printable_json) if as_json else (transcript, _indented)
    with reading(_settings(toml_path, database=database)) as reader:
        reader.state(ChatId(chat_id), upto=1)
        reader.refuse_beyond(ChatId(chat_id), position or 1)
        _echo(told(reader, ChatId(chat_id), position), shown)


@main.command()
@click.argument("chat_id")
@_DATABASE
@_CONFIG
def history(chat_id: str, database: str | None, toml_path: Path | None) -> None:
    """Print the rows of chat_history of CHAT_ID, one JSON object a line."""
    from chatstream.cli.listing import history as rows
    from chatstream.ids import ChatId
    from chatstream.maintenance.reader import reading

    with reading(_settings(toml_path, database=database)) as reader:
        _echo(rows(reader, ChatId(chat_id)), printable_json)


@main.command()
@click.option("--status", type=click.Choice(["active", "complete", "abandoned"]))
@click.option("--user", "user_id", help="Only this user's.")
@_DATABASE
@_CONFIG
def intents(
    status: str | None, user_id: str | None, database: str | None, toml_path: Path | None
) -> None:
    """Print intents over all chats, newest activity first, one JSON object a line."""
    from chatstream.cli.listing import intents as listed
    from chatstream.maintenance.reader import reading

    with reading(_settings(toml_path, database=database)) as reader:
        _echo(listed(reader, status, user_id), printable_json)


@main.command()
@click.argument("chat_ids", nargs=-1)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, for your eyes alone, instead of printing.",
)
@_DATABASE
@_CONFIG
def export(
    chat_ids: tuple[str, ...], output: Path | None, database: str | None, toml_path: Path | None
) -> None:
    """Print chats as stored, one JSON line each; all of them without CHAT_IDS.

    Chats that are damaged are named and left out; the exit code is then 1. On a terminal,
    control characters are written as JSON escapes; elsewhere each event has its stored bytes.
    """
    from chatstream.errors import DamagedError
    from chatstream.ids import ChatId
    from chatstream.maintenance.export import export_chat
    from chatstream.maintenance.reader import reading

    left_out = 0
    with reading(_settings(toml_path, database=database)) as reader, _file(output) as file:
        for chat_id in [ChatId(chat_id) for chat_id in chat_ids] or reader.chat_ids():
            try:
                _echo_export(export_chat(reader, chat_id), file)
            except DamagedError as error:
                left_out += 1
                said = f"chatstream: chat {chat_id} is left out: {error.reason}"
                click.echo(one_line(said), err=True)
    sys.exit(1 if left_out else 0)


@main.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--user", "user_id", default="imported", help="Whose chats dialogues become.")
@_DATABASE
@_CONFIG
def import_(path: Path, user_id: str, database: str | None, toml_path: Path | None) -> None:
    """Store the chats of a file: an export, or dialogues with their own times (JSON Lines).

    No server may run on the database.
    """
    from chatstream.cli.importing import import_file

    chats, events = import_file(_settings(toml_path, database=database), path, user_id)
    click.echo(f"{chats} chats, {events} events")


@main.command()
@click.argument("source")
@click.argument("target")
@_CONFIG
def copy(source: str, target: str, toml_path: Path | None) -> None:
    """Copy the database SOURCE into TARGET (URLs as for --database) and compare them.

    No server may run on either. A copy that was cut short goes on where it stopped.
    """
    from chatstream.maintenance.copy import copy as move_house

    done = move_house(_settings(toml_path, database=source), _load(toml_path, database=target))
    click.echo(f"{done.chats} chats, {done.events} events ({done.written} copied now): equal")


@main.command()
@_DATABASE
@_CONFIG
def verify(database: str | None, toml_path: Path | None) -> None:
    """Check that the file is sound, that positions have no gap and that every table equals a fold
    of the log."""
    from chatstream.maintenance.reader import reading
    from chatstream.maintenance.verify import problems

    with reading(_settings(toml_path, database=database)) as reader:
        found = list(problems(reader))
    _echo(found)
    click.echo("whole" if not found else f"{len(found)} problems")
    sys.exit(1 if found else 0)


@main.command()
@_DATABASE
@_CONFIG
def rebuild(database: str | None, toml_path: Path | None) -> None:
    """Make every table what a fold of the log gives; on PostgreSQL while servers run."""
    from chatstream.maintenance.rebuild import rebuild as mend

    click.echo(f"{mend(_settings(toml_path, database=database))} rows mended")


@main.command()
@click.option("--finish", is_flag=True, help="No server of an older version runs any more.")
@_DATABASE
@_CONFIG
def migrate(*, finish: bool, database: str | None, toml_path: Path | None) -> None:
    """Move the tables on to this version, beside servers that run; see the guide to deploying."""
    from chatstream.maintenance.migrate import migrate as move_on

    click.echo(move_on(_settings(toml_path, database=database), finish=finish))


@main.command()
@_DATABASE
@_CONFIG
def doctor(database: str | None, toml_path: Path | None) -> None:
    """Look at the machine, the settings and the database before a server is started.

    A line begins with ok, warn (it works, and is seldom meant so) or BAD (exit code 1).
    """
    from chatstream.cli.doctor import findings

    found = list(findings(_settings(toml_path, database=database)))
    _echo(f"{finding.level:<4} {finding.text}" for finding in found)
    sys.exit(1 if any(finding.level == "BAD" for finding in found) else 0)


def _ttl(_: click.Context, __: click.Parameter, text: str) -> int:
    from chatstream.security.operator_tokens import ttl_seconds

    try:
        return ttl_seconds(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@main.command()
@click.option("--sub", "user_id", required=True, help="Whose token it is: the user id.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it allows beyond the user's own things; may be given more than once.",
)
@click.option(
    "--ttl",
    "ttl_s",
    default="1h",
    show_default=True,
    callback=_ttl,
    help="How long it is valid: 90s, 30m, 8h, 7d.",
)
@_DATABASE
@_CONFIG
def token(
    user_id: str,
    scopes: tuple[Scope, ...],
    ttl_s: int,
    database: str | None,
    toml_path: Path | None,
) -> None:
    """Print a token that the server with these settings takes.

    It is signed with CHATSTREAM_SECRET; where neither that nor CHATSTREAM_JWKS is set, with the key
    in the file beside the SQLite database.
    """
    from chatstream.security.operator_tokens import operator_token
    from chatstream.timestamps import now_ms

    settings = _settings(toml_path, database=database)
    click.echo(operator_token(settings, user_id, dict.fromkeys(scopes), ttl_s, now_ms()))


@main.command()
def schema() -> None:
    """Print the JSON Schema of the protocol's frames."""
    import json

    from chatstream.protocol.schema import frames_schema

    click.echo(json.dumps(frames_schema(), indent=2))


def _file(path: Path | None) -> AbstractContextManager[TextIO | None]:
    """The file to write to; None is standard output, whose file a shell has made."""
    from chatstream.security.private_files import open_private

    if path is None:
        return nullcontext()
    try:
        return open_private(path)
    except OSError as error:
        raise ChatStreamError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def _echo(lines: Iterable[str], shown: Callable[[str], str] = one_line) -> None:
    for line in lines:
        click.echo(shown(line))


def _indented(line: str) -> str:
    """A line of a transcript; what has line feeds cannot be taken for another event's."""
    return printable(line, line_feed="\n" + " " * 28)


def _echo_export(line: bytes, file: TextIO | None) -> None:
    is_for_a_terminal = file is None and sys.stdout.isatty()
    text = line.decode()
    click.echo(printable_json(text) if is_for_a_terminal else text, file)
