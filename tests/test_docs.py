"""What the documents say is what the commands print."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from tests.conftest import ROOT, seqctx, seqctx_process

NOTEBOOK = ROOT / "docs" / "notebooks" / "schema.ipynb"
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
# coalesce_streams: a busy machine may send what one print writes in two parts
client = nbclient.NotebookClient(
    notebook, resources={"metadata": {"path": "."}}, coalesce_streams=True
)
client.execute()
print("\\nNOTEBOOK" + nbformat.writes(notebook))
"""


def test_generated_pages_are_up_to_date() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import docs
    finally:
        sys.path.pop(0)
    for path, text in docs.pages().items():
        assert path.read_text("utf-8") == text, f"{path}: run `make docs`"


def outputs(notebook: dict[str, Any]) -> list[str]:
    return [
        "".join(out.get("text", ())) or "".join(out.get("data", {}).get("text/plain", ()))
        for cell in notebook["cells"]
        for out in cell.get("outputs", ())
    ]


def test_the_notebook_runs_and_gives_what_it_shows() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, NOTEBOOK], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout.partition("\nNOTEBOOK")[2])
    assert outputs(again) == outputs(json.loads(NOTEBOOK.read_text("utf-8")))
    assert len(outputs(again)) >= 6


def test_the_readme_shows_what_the_check_says_of_ten_mistakes() -> None:
    answer = seqctx("check", "tests/data/ten-mistakes.yaml", VLLM_API_KEY="")
    assert answer.returncode == 1
    readme = (ROOT / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"\$ seqctx check tests/data/ten-mistakes.yaml\n(.*?)```", readme, re.S)
    assert shown == answer.stdout.replace("tests/data/", "")
    assert len(answer.stdout.splitlines()) >= 10


def test_check_as_json_and_its_exit_status() -> None:
    answer = seqctx("check", "--json", "tests/data/ten-mistakes.yaml")
    rows = json.loads(answer.stdout)
    assert set(rows[0]) == {
        "file", "line", "column", "key", "severity", "rule", "message", "remedy",
    }  # fmt: skip
    assert [r["line"] for r in rows] == sorted(r["line"] for r in rows)
    warned = "tests/data/broken/eager-long/1.yaml"
    assert seqctx("check", warned).returncode == 0
    assert seqctx("check", "--strict", warned).returncode == 1
    assert seqctx("check", "nowhere.yaml").returncode == 2


def test_a_process_ends_with_the_status_and_the_lines() -> None:
    for arguments in (("check", "nowhere.yaml"), ("check", "tests/data/ten-mistakes.yaml")):
        own, here = seqctx_process(*arguments), seqctx(*arguments)
        assert (own.returncode, own.stdout, own.stderr) == (
            here.returncode, here.stdout, here.stderr,
        )  # fmt: skip
