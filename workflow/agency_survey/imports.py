"""Code as a declared input: the package's modules that a script imports, directly or through one another."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@cache
def _imported(path: Path) -> frozenset[str]:
    """Dotted names below ``agency_survey`` that a file imports anywhere, functions included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(part for part in (_parent(path, node.level), node.module) if part)
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in names if name.split(".")[0] == PACKAGE.name)


def _parent(path: Path, level: int) -> str:
    """Dotted package that a relative import of ``level`` dots starts from; empty for an absolute import."""
    if not level:
        return ""
    inside = path.relative_to(PACKAGE.parent).parent.parts
    return ".".join(inside[: len(inside) - level + 1])


@cache
def _files(name: str) -> tuple[Path, ...]:
    """Files that importing a dotted name runs: the packages on the way and the module itself, where they exist."""
    parts = name.split(".")[1:]
    found = [PACKAGE.joinpath(*parts[:k], "__init__.py") for k in range(len(parts) + 1)]
    if parts:
        found.append(PACKAGE.joinpath(*parts[:-1], parts[-1] + ".py"))
    return tuple(path for path in found if path.is_file())


def modules(script: str | Path) -> list[Path]:
    """Files of the package that ``script`` depends on, sorted."""
    found: set[Path] = set()
    queue = [Path(script)]
    while queue:
        for name in _imported(queue.pop()):
            new = [path for path in _files(name) if path not in found]
            found.update(new)
            queue.extend(new)
    return sorted(found)
