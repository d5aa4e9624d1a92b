"""A rendered fixture book and a headless browser for the tests in this folder."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from render_book import make_root

from agency_survey.render import render

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
    "--virtual-time-budget=5000",
]


class Browser:
    """Headless Chromium on pages of a book, opened from the disk."""

    def __init__(self, program: str, book: Path, folder: Path) -> None:
        self.program, self.book, self.folder = program, book, folder

    def dump(self, address: str, *flags: str) -> str:
        """The page's DOM after its scripts have run."""
        profile = f"--user-data-dir={self.folder / 'profile'}"
        command = [self.program, *FLAGS, *flags, profile, "--dump-dom", f"file://{self.book}/{address}"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

    def measure(self, pages: list[str], width: int, script: str, *flags: str):
        """Evaluate the JavaScript function ``script(document, window)`` in each page at a width; {page: value}."""
        probe = self.book / "probe.html"
        probe.write_text(
            f"""<body><script>
            const script = {script}, pages = {json.dumps(pages)}, found = {{}};
            async function run() {{
              for (const page of pages) {{
                const frame = document.createElement("iframe");
                frame.style = "border:0;width:{width}px;height:800px";
                frame.src = page;
                document.body.appendChild(frame);
                await new Promise(done => frame.onload = done);
                found[page] = await script(frame.contentDocument, frame.contentWindow);
                frame.remove();
              }}
              const out = document.createElement("pre");
              out.id = "found";
              out.textContent = JSON.stringify(found);
              document.body.appendChild(out);
            }}
            run();
            </script></body>""",
            encoding="utf-8",
        )
        try:
            text = self.dump("probe.html", *flags)
        finally:
            probe.unlink()
        return json.loads(unescape(re.search(r'<pre id="found">(.*?)</pre>', text, re.DOTALL)[1]))


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Browser:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    folder = tmp_path_factory.mktemp("browser")
    root = make_root(folder / "root")
    book = root / "reports" / "_book"
    render(root, root / "results", book, engine="bundled")
    return Browser(program, book, folder)
