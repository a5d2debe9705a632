"""The page of ``seqctx read`` in a browser: chapters, marks, no script, no sideways scrolling."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from seqctx import read_manuscript
from seqctx.prepare.book_page import book_page

pytestmark = pytest.mark.e2e
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
TEXT = (
    "# The <script>document.title = 'ran'</script> Ferry\n\n"
    "## Part One\n\n### Arrival\n\nOne.\n\n* * *\n\nTwo.\n\n### The Bridge\n\n"
    f"<img src=x onerror=\"document.title='ran'\"> {'W' * 300} three.\n\n"
    "## Part Two\n\n### Departure\n\nFour.\n\n### Home\n\nFive.\n"
)


def dom(path: Path, width: int = 1200) -> str:
    """The document as the browser has it after it ran what there was to run."""
    answer = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         f"--user-data-dir={path.parent}/profile", f"--window-size={width},800", "--dump-dom",
         path.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.fixture
def page(tmp_path: Path) -> Path:
    manuscript, path = tmp_path / "novel.md", tmp_path / "page.html"
    manuscript.write_text(TEXT)
    path.write_text(book_page([read_manuscript(manuscript)]))
    return path


@needs_browser
def test_the_page_shows_chapters_parts_and_scene_breaks(page: Path) -> None:
    shown = dom(page)
    assert re.findall(r'<a href="#(c1-\d)">([^<]*)</a>', shown) == [
        ("c1-1", "Arrival"), ("c1-2", "The Bridge"), ("c1-3", "Departure"), ("c1-4", "Home"),
    ]  # fmt: skip
    assert len(re.findall(r'<section id="c1-\d"', shown)) == 4
    assert shown.count('<p class="break">') == 1
    assert re.findall(r'<li class="part">([^<]*)</li>', shown) == ["Part One", "Part Two"]


@needs_browser
def test_no_script_of_the_manuscript_runs(page: Path) -> None:
    title = re.search("<title>(.*)</title>", dom(page))
    assert title and title[1].startswith("The ") and title[1].endswith(" Ferry")


@needs_browser
@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_never_scrolls_sideways(page: Path, width: int) -> None:
    """A frame of a phone's width measures: the page itself lets no script run."""
    inner = re.sub("<meta http-equiv[^>]*>", "", page.read_text())
    measured = "<script>document.title = document.documentElement.scrollWidth</script></body>"
    page.write_text(inner.replace("</body>", measured))
    frame = page.with_name("frame.html")
    frame.write_text(
        f'<iframe id=f width={width} height=800 src=page.html style="border:0"></iframe>'
        "<script>f.onload = () => document.title = f.contentDocument.title</script>"
    )
    shown = re.search(r"<title>(\d+)</title>", dom(frame))
    assert shown and width - 20 <= int(shown[1]) <= width  # a scroll bar takes some
