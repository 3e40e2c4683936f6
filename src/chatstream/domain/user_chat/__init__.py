"""The aggregate ``UserChat``: its state, its decisions and its fold, behind one front door."""

from chatstream.domain.user_chat.decisions import Decision, decide, remember
from chatstream.domain.user_chat.evolution import INITIAL, evolve, fold
from chatstream.domain.user_chat.state import UserChat

__all__ = ["INITIAL", "Decision", "UserChat", "decide", "evolve", "fold", "remember"]
