"""Disks that fail: small ones, and system calls that return errors. Where the machine does not
allow that, what needs it is skipped and says so."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: system calls cannot fail"
)


@contextmanager
def failing(pid: int, call: str, error: str, when: str = "1+") -> Iterator[None]:
    """Let system calls of a process fail, in all of its threads."""
    inject = f"inject={call}:error={error}:when={when}"
    strace = subprocess.Popen(
        ["strace", "-f", "-o", "/dev/null", "-e", inject, "-p", str(pid)],
        stderr=subprocess.PIPE,
        text=True,
    )
    with strace:
        line = strace.stderr.readline()
        if "attached" not in line:
            pytest.skip(f"strace may not attach here: {line.strip()}")
        yield
        strace.send_signal(signal.SIGINT)


@contextmanager
def small_disk(folder: Path, megabytes: int = 2) -> Iterator[Path]:
    """A disk of its own, mounted in the folder."""
    disk = folder / "disk"
    disk.mkdir()
    if shutil.which("mount") is None or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True, timeout=30)


def fill(disk: Path) -> Path:
    """Use up all the room; the file to remove when there shall be some again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the write lock of a database, as a tool of its operator might."""
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
