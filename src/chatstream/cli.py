"""The command ``chatstream``: serve, talk, and look into what is stored.

Each command's work lies in a module of its own, imported when it is called.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from chatstream.errors import ConfigurationError


class _Commands(click.Group):
    """Says what is wrong with the settings in one line, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            click.echo(f"chatstream: {error}", err=True)
            sys.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chatstream")
def main() -> None:
    """The durable conversation back end for AI assistants."""


@main.command()
@click.option("--agent", help="The agent, as module:name. Without it the built-in one answers.")
@click.option("--database", help="sqlite:///FILE (default sqlite:///chatstream.db).")
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default 8000); 0 takes a free one.")
@click.option(
    "--config",
    "toml_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with settings; the environment (CHATSTREAM_*) comes before it.",
)
def serve(
    agent: str | None,
    database: str | None,
    host: str | None,
    port: int | None,
    toml_path: Path | None,
) -> None:
    """Run the server."""
    from chatstream.config import Settings
    from chatstream.serving import run

    run(
        Settings.load(
            os.environ, toml_path, agent=agent, database=database, host=host, port=port
        )
    )
