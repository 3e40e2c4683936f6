"""Names that are no setting's: which of them somebody may have meant for one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

PREFIX: Final = "CHATSTREAM_"
_TOKEN: Final = "CHATSTREAM_TOKEN"  # noqa: S105 - the name of what `chatstream chat` reads

# Kubernetes and Docker describe a service to its neighbours in variables that bear its name, or
# that of another one which begins alike; and the tests' own settings are no server's.
_NOT_OURS: Final = re.compile(
    r"CHATSTREAM_(TEST_|(\w+_)?SERVICE_(HOST|PORT)|(\w+_)?PORT_\d+_(TCP|UDP|SCTP))"
)
ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://")


def unknown_variables(environ: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """A line for each variable that looks like ours and that nobody reads; without its value,
    which may be a secret."""
    for name in sorted(environ):
        if name in known or not environ[name] or name == _TOKEN or _is_foreign(name, environ[name]):
            continue
        yield f"{name} is no setting and has no effect{did_you_mean(name, known)}"


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The known name that is most like this one, as the end of a message; else nothing."""
    from difflib import get_close_matches

    own_parts = {one.removeprefix(PREFIX): one for one in known}
    nearest = get_close_matches(name.removeprefix(PREFIX), own_parts, n=1)
    return f"; did you mean {own_parts[nearest[0]]}?" if nearest else ""


def _is_foreign(name: str, value: str) -> bool:
    return not name.startswith(PREFIX) or bool(_NOT_OURS.match(name) or ADDRESS.match(value))
