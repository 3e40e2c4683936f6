"""Draws the packages and their imports into docs/explanation/architecture.md, from the code.

``python scripts/draw_architecture.py`` rewrites the picture; a test fails where the page shows
another one. An arrow that follows from two others is left out: imports of imports are implied.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "chatstream"
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
BEGIN = "<!-- drawn by scripts/draw_architecture.py -->\n"
END = "<!-- end of the drawing -->\n"
Graph = dict[str, set[str]]


def main() -> None:
    """Rewrite the picture in the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{picture()}{END}{after}")


def shown() -> str:
    """The picture that stands in the page."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def picture() -> str:
    """The graph of the packages as a Mermaid flow chart, top layer first."""
    imports, base = package_imports(), _base_layers()
    above = {name: targets - base for name, targets in imports.items() if name not in base}
    edges = _reduced(above)
    lines = [f"    {name}" for name in _in_layer_order(above)]
    lines += [f"    {name} --> {' & '.join(sorted(edges[name]))}" for name in lines_of(edges)]
    lines += [f'    base["{", ".join(sorted(base))}"]']
    bottom = sorted(name for name in above if not edges[name] and imports[name] & base)
    lines += [f"    {' & '.join(bottom)} --> base"] if bottom else []
    return "```{mermaid}\nflowchart TD\n" + "\n".join(lines) + "\n```\n"


def lines_of(edges: Graph) -> list[str]:
    """The packages that have arrows, in a fixed order."""
    return sorted(name for name in edges if edges[name])


def package_imports() -> Graph:
    """For each package or loose module of ``chatstream``: those that it imports, late ones too."""
    graph: Graph = {}
    for file in sorted(SOURCES.rglob("*.py")):
        name = _room_of(file.relative_to(SOURCES))
        if name:
            graph.setdefault(name, set()).update(_imports(file) - {name})
    return graph


def _room_of(path: Path) -> str:
    name = path.parts[0].removesuffix(".py")
    return "" if name in {"__init__", "__main__"} else name


def _imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.ImportFrom(module=str(module)) if module.startswith("chatstream."):
                found.add(module.split(".")[1])
            case ast.ImportFrom(module="chatstream", names=names):
                found |= {one.name for one in names if (SOURCES / one.name).exists()}
                found |= {one.name for one in names if (SOURCES / f"{one.name}.py").exists()}
            case _:
                pass
    return found


def _layers() -> list[list[str]]:
    """As ``pyproject.toml`` orders them, top first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["type"] == "layers"]
    separated = [layer.replace("|", ":").split(":") for layer in layers]
    return [[name.strip(" ()") for name in layer] for layer in separated]


def _base_layers() -> set[str]:
    """What nearly everything uses: drawn as one box, without arrows to it from everywhere."""
    return {name for layer in _layers()[-2:] for name in layer}


def _in_layer_order(graph: Graph) -> list[str]:
    order = [name for layer in _layers() for name in layer]
    return sorted(graph, key=order.index)


def _reduced(graph: Graph) -> Graph:
    """Without the arrows that follow from others."""
    return {
        name: {one for one in targets if not _is_implied(graph, name, one)}
        for name, targets in graph.items()
    }


def _is_implied(graph: Graph, start: str, end: str) -> bool:
    return any(end in _reached(graph, other) for other in graph[start] - {end})


def _reached(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    left = [start]
    while left:
        for target in graph.get(left.pop(), set()) - seen:
            seen.add(target)
            left.append(target)
    return seen


if __name__ == "__main__":
    sys.exit(main())
