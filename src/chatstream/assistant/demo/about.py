"""Small answers about chatstream itself."""

from __future__ import annotations

from chatstream.assistant.recognise import Recogniser
from chatstream.assistant.tools import Tool, ToolContext, tool

ANSWERS: dict[str, tuple[tuple[str, ...], str]] = {
    "what": (
        ("what is chatstream", "tell me about chatstream", "what does chatstream do"),
        "chatstream is the durable conversation back end for AI assistants: a WebSocket chat "
        "that loses nothing. Everything said here is an event in a log, and all you see is read "
        "from it.",
    ),
    "lost": (
        (
            "what happens when the connection drops",
            "does chatstream lose messages",
            "what if the server crashes",
            "is my data safe when the server is killed",
        ),
        "Nothing is lost. A message is confirmed only when it is on disk; after a drop or a "
        "crash the chat goes on at the event you saw last, and an unfinished answer is run again.",
    ),
    "agent": (
        (
            "how do I plug in my own agent in chatstream",
            "how do I write an agent for chatstream",
            "can chatstream use my tools",
        ),
        "Write one async generator and run `chatstream serve --agent my_module:agent`; a list of "
        "typed functions marked with `@tool` is an agent, too.",
    ),
    "resume": (
        (
            "can I go on with an old chat in chatstream",
            "how does resume work in chatstream",
            "what happens to unfinished tasks",
        ),
        "A task that you leave is set aside with all that you said. Press its card, or say "
        "“go on”, and it continues at its open question, even days later.",
    ),
    "database": (
        ("which database does chatstream use", "where does chatstream store its data"),
        "SQLite in one file by default, PostgreSQL when there are many servers.",
    ),
}


def about_tools() -> list[Tool]:
    """The tool; its questions are found as tasks are."""
    questions = Recogniser({topic: asked for topic, (asked, _) in ANSWERS.items()})

    @tool(
        examples=[question for asked, _ in ANSWERS.values() for question in asked],
        idempotent=True,
        digression=True,
    )
    def about_chatstream(context: ToolContext) -> str:
        """Answer questions about chatstream."""
        topic = questions.recognise(context.said).name or "what"
        return ANSWERS[topic][1]

    return [about_chatstream]
