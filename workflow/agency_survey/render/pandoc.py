"""Running the pandoc of the ``pypandoc_binary`` wheel: strict, offline and the same everywhere."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from agency_survey.errors import InputError


@dataclass(frozen=True)
class Pandoc:
    """Pandoc in the work folder ``cwd``; ``epoch`` is the time it writes into documents."""

    path: str
    version: str
    cwd: Path
    epoch: int

    def run(self, arguments: list[str], data: bytes, what: str) -> bytes:
        """Pandoc's output; any warning or error is an InputError that names ``what``."""
        command = [self.path, "--fail-if-warnings", "--data-dir", str(self.cwd / "_pandoc"), *arguments]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(self.epoch), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        done = subprocess.run(command, check=False, input=data, capture_output=True, cwd=self.cwd, env=environment)
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", "replace").split()).replace(str(self.cwd) + os.sep, "")
            raise InputError(f"Pandoc could not convert the text: {said or 'no message'}", what)
        return done.stdout

    def convert(self, blocks: list, meta: dict, arguments: list[str], what: str) -> bytes:
        """Write a tree of blocks with pandoc's writer that ``arguments`` name."""
        tree = {"pandoc-api-version": [1, 23, 1], "meta": meta, "blocks": blocks}
        return self.run(["--from=json", "--wrap=none", *arguments], json.dumps(tree).encode(), what)


def find_pandoc() -> tuple[str, str]:
    """Path and version of the wheel's pandoc."""
    try:
        import pypandoc
    except ImportError:
        raise InputError("The bundled engine needs the package pypandoc_binary", None, "Install it") from None
    path = Path(pypandoc.__file__).parent / "files" / ("pandoc.exe" if os.name == "nt" else "pandoc")
    path = str(path) if path.is_file() else pypandoc.get_pandoc_path()
    first = subprocess.run([path, "--version"], check=False, capture_output=True, text=True).stdout.split("\n")[0]
    return path, first.split()[-1]
