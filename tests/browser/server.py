"""The server of the protocol tests, with the browser tests' agent."""

from __future__ import annotations

from tests.kit.server import Server as ProtocolServer


class Server(ProtocolServer):
    """A `chatstream serve` process that answers with `tests.browser.agents`."""

    def _command(self) -> list[str]:
        replaced = {"tests.kit.agents:agent": "tests.browser.agents:agent"}
        return [replaced.get(word, word) for word in super()._command()]
