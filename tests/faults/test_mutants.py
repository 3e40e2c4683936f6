"""A planted bug changes what is there: one whose target has moved would be caught by nobody."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator

import pytest
from tests.faults import mutants

TREE = ast.parse(inspect.getsource(mutants))


def replaced() -> Iterator[tuple[str, str, str]]:
    """Function, dotted owner and name of each attribute that a planted bug sets."""
    for function in ast.walk(TREE):
        if not isinstance(function, ast.FunctionDef):
            continue
        homes = {
            alias.asname or alias.name: f"{node.module}:{alias.name}"
            for node in ast.walk(function)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chatstream")
            for alias in node.names
        }
        for node in ast.walk(function):
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in [one for each in targets for one in getattr(each, "elts", [each])]:
                match target:
                    case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in homes:
                        yield function.name, homes[owner], name


@pytest.mark.parametrize(("bug", "owner", "name"), sorted(set(replaced())))
def test_what_a_planted_bug_replaces_is_there(bug, owner, name):
    module, _, attribute = owner.partition(":")
    home = importlib.import_module(module)
    found = getattr(home, attribute, None) or importlib.import_module(f"{module}.{attribute}")
    assert hasattr(found, name), f"{bug} replaces {owner}.{name}, which is no more"


def test_every_bug_replaces_something():
    assert {bug for bug, _, _ in replaced()} >= {"no_dedupe", "no_fencing", "ack_before_commit"}
    assert len(set(replaced())) >= len(mutants.BUGS)
