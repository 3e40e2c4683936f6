"""Words that an agent stores: what terminals, pages and programs obey."""

from __future__ import annotations

from tests.hostile.texts import CONTENT_BYTES, harmless, repeated

_TOKENS = (
    "\x1b[2J", "\x1b]52;c;aGk=\x07", "\x9b31m", "\x07", "\x7f", "\r", "\n", "\t", "\u202e",
    "\u2028", "\u200d", "\ufeff", "e\u0301\u0301", "\U0001f468\u200d", "<script>", "]]>", "&amp;",
    "__proto__", "constructor", "{{7*7}}", "%s", "../", "'; --", '\\"', "|", "`", "# ", "> ",
    "[a](", "*", "_", "a" * 500,
)  # fmt: skip
NAMED = tuple(repeated(_TOKENS, CONTENT_BYTES // 4))
WORDS = (harmless(CONTENT_BYTES // 4), *(words for _, words in NAMED))
