"""Lay a page out in headless Chromium and measure it, where a Chromium is installed."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

#: Of a page whose details are open: its width, and the texts of figures that leave their figure.
MEASURE = """
onload = () => {
  const page = frames[0].document, root = page.documentElement, cut = [];
  for (const details of page.querySelectorAll('details')) details.open = true;
  for (const figure of page.querySelectorAll('figure svg')) {
    const frame = figure.getBoundingClientRect();
    for (const text of figure.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      if (box.left < frame.left - 1 || box.right > frame.right + 1
          || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        cut.push(figure.parentElement.id + ': ' + text.textContent.trim());
    }
  }
  const found = {needs: root.scrollWidth, has: root.clientWidth, cut,
                 figures: page.querySelectorAll('figure svg').length,
                 paper: getComputedStyle(page.body).backgroundColor};
  document.title = 'measured ' + JSON.stringify(found) + ' measured';
}
"""


def measured(page: Path, width: int, directory: Path, *, dark: bool = False) -> dict[str, Any]:
    """Return what `MEASURE` finds in a page on a screen of so many pixels.

    Args:
        page: its file.
        width: of the screen.
        directory: for the browser's own files.
        dark: whether the reader prefers dark pages.
    """
    frame = directory / "frame.html"
    frame.write_text(
        f'<iframe src="{page.as_uri()}" style="width:{width}px;height:900px;border:0"></iframe>'
        f"<script>{MEASURE}</script>"
    )
    command = [
        str(CHROMIUM),
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--allow-file-access-from-files", f"--user-data-dir={directory / 'profile'}"),
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
        *("--virtual-time-budget=5000", "--dump-dom", frame.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    found = re.search(r"<title>measured (\{.*?\}) measured</title>", done.stdout, re.DOTALL)
    assert found is not None, done.stdout[:2000]
    return dict(json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<")))
