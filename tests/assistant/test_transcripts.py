"""Conversations as people have them, one for each way in which they go on or go wrong."""
from __future__ import annotations
import pytest
from tests.assistant.desk import Desk
from tests.assistant.dialogue import Dialogue
