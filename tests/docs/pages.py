"""What stands in the pages of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def blocks_below(page: Path, heading: str) -> list[str]:
    """The code blocks between ``heading`` (``## Roll out``) and the next one of its kind."""
    level = heading.partition(" ")[0]
    _, _, section = page.read_text().partition(f"{heading}\n")
    return re.findall(r"```\w+\n(.*?)```", section.partition(f"\n{level} ")[0], re.DOTALL)
