"""Installs a built wheel into an empty environment and sees it serve: what a user of pip gets.

``make release`` calls it with the wheel made from the sdist. Nothing of the working tree is on
the new environment's path, so a file that is missing from the wheel is missing here.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
START_SECONDS = 30


def main(wheel: Path) -> None:
    """Raise when the wheel lacks a file, cannot be installed or does not serve."""
    assert_whole(wheel)
    with tempfile.TemporaryDirectory() as folder:
        scripts = installed(wheel, Path(folder))
        version = subprocess.check_output([scripts / "chatstream", "--version"], text=True)
        see_it_serve(scripts / "chatstream", Path(folder))
    print(f"{wheel.name}: installs, serves ({version.strip()})")


def assert_whole(wheel: Path) -> None:
    package = ROOT / "src"
    files = {
        path.relative_to(package).as_posix()
        for path in (package / "chatstream").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    missing = files - set(zipfile.ZipFile(wheel).namelist())
    assert not missing, f"not in the wheel: {sorted(missing)}"


def installed(wheel: Path, folder: Path) -> Path:
    venv.create(folder / "venv")
    scripts = folder / "venv" / "bin"
    # Our pip fills it: installing another one there takes longer than all that it would install.
    pip = [sys.executable, "-m", "pip", "--python", scripts / "python", "install"]
    pip += ["-qq", "--no-compile", "--disable-pip-version-check"]
    locked = ROOT / "requirements" / "run.txt"
    subprocess.run([*pip, "--require-hashes", "-r", locked], check=True, cwd=folder)
    subprocess.run([*pip, "--no-deps", wheel.resolve()], check=True, cwd=folder)
    return scripts


def see_it_serve(chatstream: Path, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("CHATSTREAM_")}
    command = [chatstream, "serve", "--port", str(port), "--database", "sqlite:///wheel.db"]
    with subprocess.Popen(command, cwd=folder, env=own) as server:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/health/ready", server)
            see_it_answer(f"http://127.0.0.1:{port}/api/v1")
        finally:
            server.terminate()
    assert server.returncode == 0, f"the server ended with {server.returncode}"


def see_it_answer(api: str) -> None:
    """The built-in assistant does something, and keeps it."""
    token = posted(f"{api}/visitors", {})["token"]
    chat = posted(f"{api}/chats", {}, token)["user_chat_id"]
    for said, answer in (("add milk to my list", "is on your list"), ("show my list", "- milk")):
        turn = posted(f"{api}/chats/{chat}/messages", {"content": said}, token)
        answers = [frame["content"] for frame in turn["items"] if frame["type"] == "response"]
        assert answer in answers[-1], answers


def posted(url: str, body: dict[str, str], token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Prefer": "wait=20"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert server.poll() is None, f"the server ended with {server.returncode}"
            assert time.monotonic() < deadline, f"not ready within {START_SECONDS} s"
            time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
