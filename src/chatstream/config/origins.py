"""Origins in one form: what the settings list, and what a page's ``Origin`` is compared with."""

from __future__ import annotations

import re
from typing import Final

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[^\s/:?#@,\[\]\\]+)"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
"""By scheme."""


def normal_origin(origin: str) -> str | None:
    """``origin`` in lower case without its scheme's default port; None if it is no origin."""
    match = _ORIGIN.fullmatch(origin.lower())
    if match is None:
        return None
    scheme, host, port = match["scheme"], match["host"], match["port"]
    shown_port = "" if port is None or port == DEFAULT_PORTS.get(scheme) else f":{port}"
    return f"{scheme}://{host}{shown_port}"
