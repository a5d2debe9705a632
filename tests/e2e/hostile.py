"""Runs the hostile inputs one by one, each as a process of its own, and prints what became of it.

    python -m tests.e2e.hostile [--model MODEL] [--seqctx PROGRAM] [--only NAME]

The README of tests/data/hostile says what each file tries; `hostile_made` makes more of these
kinds. MODEL is a folder with a small model and its tokenizer. A case is good if it ends within a
minute, under its bound of memory, without a traceback, without a raw control character, with exit
status 0 or one of the statuses it names, and without the marks that must not appear.
"""

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import yaml

from tests.conftest import ROOT
from tests.e2e.hostile_made import PROSE, laughs, made
from tests.e2e.test_model import MODEL

SECRETS = ("SEKRET-KEY", "SEKRET-HF")
GIVEN = ROOT / "tests" / "data" / "hostile"
CODE_RAN = "CODE OF THE MODEL RAN"
# Control characters that a terminal acts on: all but tab, newline and the return of progress lines.
RAW = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Case:
    """One hostile input: what is written into an empty folder, what is run, what may come out.

    Attributes:
        name: the file of the case, and the verb.
        arguments: what follows ``seqctx``.
        make: writes the input into the working folder.
        exits: the statuses that are good.
        mentions: a pattern that must be in what is printed.
        limit_mib: the most memory of the process and its children [MiB].
        limit_s: the longest time [s].
        env: variables of the environment.
        stdin: what is typed.
    """

    name: str
    arguments: list[str]
    make: Callable[[Path], None]
    exits: tuple[int, ...] = (0, 1, 2)
    mentions: str = ""
    limit_mib: int = 700
    limit_s: float = 60
    env: dict[str, str] = field(default_factory=dict)
    stdin: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a case: exit status, time [s], most memory [MiB], what is wrong."""

    exit: int
    seconds: float
    mib: int
    says: str
    wrong: list[str]


def run(case: Case, program: list[str], folder: Path) -> Outcome:
    """Run a case in an empty folder."""
    case.make(folder)
    env = {k: v for k, v in os.environ.items() if k not in ("VLLM_API_KEY", "HF_TOKEN")}
    env |= {"HF_HUB_OFFLINE": "1", "COLUMNS": "300", "NO_COLOR": "1"} | case.env
    start = time.monotonic()
    with subprocess.Popen(
        [*program, *case.arguments],
        cwd=folder,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        peak = [0]
        watch = threading.Thread(target=_watch, args=(process, peak, case.limit_s), daemon=True)
        watch.start()
        raw, _ = process.communicate(case.stdin.encode())
        watch.join()
    seconds = time.monotonic() - start
    text = raw.decode("utf-8", "surrogateescape")
    wrong = list(_wrong(case, process.returncode, seconds, peak[0], text, folder))
    lines = [line for line in text.splitlines() if line.strip()]
    return Outcome(process.returncode, seconds, peak[0], lines[-1] if lines else "", wrong)


def _watch(process: "subprocess.Popen[bytes]", peak: list[int], limit_s: float) -> None:
    """Note the most memory of a process and its children; kill them all at the time limit."""
    end = time.monotonic() + limit_s
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(process.pid)
            resident = sum(p.memory_info().rss for p in [top, *top.children(recursive=True)])
            peak[0] = max(peak[0], resident // 2**20)
            if time.monotonic() > end or peak[0] > 6_000:
                os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0.02)


def _wrong(
    case: Case, status: int, seconds: float, mib: int, text: str, folder: Path
) -> Iterator[str]:
    if seconds >= case.limit_s:
        yield f"hangs (killed after {seconds:.0f} s)"
    elif status not in case.exits:
        yield f"exit {status}"
    if "Traceback (most recent" in text:
        yield "traceback"
    if RAW.search(text):
        yield f"raw {RAW.search(text).group()!r}"  # type: ignore[union-attr]
    if mib > case.limit_mib:
        yield f"{mib} MiB"
    if case.mentions and not re.search(case.mentions, text):
        yield f"does not say {case.mentions}"
    for mark in (*SECRETS, CODE_RAN):
        if mark in text:
            yield f"prints {mark}"
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and file.suffix != ".yaml":
            found = [m for m in SECRETS if m.encode() in file.read_bytes()[:5_000_000]]
            yield from (f"{m} in {file.relative_to(folder)}" for m in found)


# --- cases ---------------------------------------------------------------------------------------


def cases(model: Path, given: Path = GIVEN) -> list[Case]:
    """Every case: the files of ``given``, and more of their kinds, for ``prepare`` with a model."""
    large = f"{shlex.quote(sys.executable)} {shlex.quote(str(given / 'make_large.py'))} ."

    def config(name: str, *verb: str, **more: object) -> Case:
        def make(folder: Path) -> None:
            shutil.copyfile(given / name, folder / name)

        return Case(f"{name}: {' '.join(verb)}", [*verb, name], make, **more)  # type: ignore[arg-type]

    def text(
        name: str, write: Callable[[Path], None], *, prompts: str = "", **more: object
    ) -> Case:
        def make(folder: Path) -> None:
            write(folder)
            _prepare_config(folder, model, name, prompts)

        return Case(f"{name}: prepare", ["prepare", "c.yaml"], make, **more)  # type: ignore[arg-type]

    def copied(name: str, **more: object) -> Case:
        return text(name, lambda folder: _copy(given / name, folder), **more)

    def prompts(name: str) -> Case:
        def write(folder: Path) -> None:
            _copy(given / name, folder)
            (folder / "book.md").write_text(PROSE * 200)

        case = text("book.md", write, prompts=name, exits=(1, 2))
        return Case(f"{name}: prepare", case.arguments, case.make, case.exits)

    def larger(name: str) -> Case:
        def write(folder: Path) -> None:
            subprocess.run(shlex.split(large), cwd=folder, check=True)
            for other in {"dots.md", "comments.md", "media-bomb.docx"} - {name}:
                (folder / other).unlink()

        return text(name, write, limit_mib=700, limit_s=240)

    def changed(name: str, template: bool) -> Case:
        def make(folder: Path) -> None:
            (folder / "m").mkdir()
            for part in ("config.json", "tokenizer.json", "tokenizer_config.json"):
                _copy(model / part, folder / "m")
            if template:
                shutil.copyfile(given / name, folder / "m/chat_template.jinja")
            else:
                shutil.rmtree(folder / "m")
                shutil.copytree(given / name, folder / "m")
            for copied in (folder / "m").iterdir():
                copied.chmod(0o644)
            (folder / "book.md").write_text(PROSE * 200)
            _prepare_config(folder, folder / "m", "book.md", "")

        return Case(f"{name}: prepare", ["prepare", "c.yaml"], make, exits=(1, 2), stdin="y\n" * 50)

    key = {"VLLM_API_KEY": "k"}
    return [
        *(config(n, "check") for n in ("surrogate-key.yaml", "escape-key.yaml")),
        *(config("pattern-broken.yaml", *v, exits=(1, 2)) for v in (["plan"], ["train"])),
        config("pattern-broken.yaml", "check", exits=(1, 2)),
        *(config("pattern-slow.yaml", v) for v in ("check", "plan")),
        config("epochs-endless.yaml", "check", exits=(1, 2)),
        config("epochs-endless.yaml", "plan"),
        *(config("plugins-number.yaml", v, exits=(1, 2)) for v in ("check", "plan")),
        config("open-blank-key.yaml", "check", mentions="server-open"),
        config("open-blank-key.yaml", "serve", exits=(1, 2), mentions="key"),
        config("open-empty-key.yaml", "check", mentions="server-open"),
        config("open-empty-key.yaml", "serve", exits=(1, 2)),
        config("open-empty-key.yaml", "serve", "--dry-run", env=key, exits=(0, 3)),
        config("secret-in-file.yaml", "train", "--dry-run"),
        config("secret-in-file.yaml", "serve", "--dry-run", exits=(0, 3)),  # 3: nothing trained
        *(config("secret-in-file.yaml", v) for v in ("check", "plan")),
        config("model-is-a-flag.yaml", "serve", "--dry-run", exits=(1, 2)),
        config("model-is-a-flag.yaml", "check", exits=(1, 2)),
        *(prompts(f"prompts-{n}.yaml") for n in ("deep", "date", "surrogate")),
        changed("endless-template.jinja", template=True),
        changed("remote-code-model", template=False),
        copied("bit-flipped.epub", exits=(1, 2), mentions="no whole .epub file|bit-flipped.epub"),
        copied("nested-em.epub"),
        copied("closed-twice.epub"),
        copied("level-x.odt"),
        copied("spaces.odt", limit_mib=400),
        copied("style-loop.odt"),
        larger("dots.md"),
        larger("comments.md"),
        larger("media-bomb.docx"),
        *_answers(given),
        *(text(name, write, **more) for name, write, more in made()),
        Case("pipe.yaml: check", ["check", "p"], lambda f: os.mkfifo(f / "p"), exits=(1, 2)),
        Case("laughs.yaml: check", ["check", "l"], _laughs, exits=(1, 2), limit_mib=300),
    ]


def _laughs(folder: Path) -> None:
    (folder / "l").write_text(laughs())


def _copy(source: Path, folder: Path) -> None:
    shutil.copyfile(source, folder / source.name)


def _prepare_config(folder: Path, model: Path, manuscript: str, prompts: str) -> None:
    block: dict[str, object] = {"manuscripts": [manuscript]}
    if prompts:
        block["prompts"] = prompts
    (folder / "c.yaml").write_text(
        yaml.safe_dump(
            {
                "base_model": str(model),
                "chat_template": "tokenizer_default",
                "sequence_len": 512,
                "adapter": "lora",
                "attn_implementation": "sdpa",
                "datasets": [{"path": "prepare/out/c/train.jsonl"}],
                "seqctx": {"prepare": block},
            }
        )
    )


def _answers(given: Path) -> Iterator[Case]:
    """``chat`` with a server whose stream holds each odd event."""
    for number, line in enumerate((given / "answers.jsonl").read_text().splitlines(), 1):
        server = _Server(("127.0.0.1", 0), _Odd)
        server.event = json.loads(line)

        def start(folder: Path, server: _Server = server) -> None:
            threading.Thread(target=server.serve_forever, daemon=True).start()

        url = f"http://127.0.0.1:{server.server_address[1]}"
        name, arguments = f"answers.jsonl {number}: chat", ["chat", "--url", url]
        yield Case(name, arguments, start, exits=(0, 1, 2, 3), stdin="Hello\n")


class _Server(ThreadingHTTPServer):
    event: str


class _Odd(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        models = json.dumps({"data": [{"id": "m", "max_model_len": 2048}], "version": "1"})
        self._send("application/json", "" if self.path == "/metrics" else models)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._send("text/event-stream", f"{self.server.event}\n\ndata: [DONE]\n\n")

    def _send(self, kind: str, body: str) -> None:
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> int:
    """Print a line a case; the exit status is 1 if one is bad."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--seqctx", default="seqctx")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    bad = 0
    chosen = [case for case in cases(options.model.resolve()) if options.only in case.name]
    for case in chosen:
        with tempfile.TemporaryDirectory() as folder:
            out = run(case, shlex.split(options.seqctx), Path(folder))
        bad += bool(out.wrong)
        mark = "; ".join(out.wrong) or "good"
        print(
            f"{case.name:42} exit {out.exit:3} {out.seconds:6.1f} s {out.mib:5} MiB  {mark:30}  "
            f"{ascii(out.says)[:110]}",
            flush=True,
        )
    print(f"{len(chosen) - bad} of {len(chosen)} good")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
