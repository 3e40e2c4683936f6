"""The drawn architecture is the code's."""

from __future__ import annotations

from scripts import draw_architecture


def test_the_picture_shows_the_imports_as_they_are():
    assert draw_architecture.shown() == draw_architecture.picture(), (
        "draw it anew: .venv/bin/python scripts/draw_architecture.py"
    )


def test_no_package_is_imported_by_what_it_imports():
    graph = draw_architecture.package_imports()
    circles = [name for name in graph if name in draw_architecture._reached(graph, name)]
    assert not circles
