"""The verbs, in the order and under the headings in which ``seqctx --help`` lists them.

Each verb is the command of that name in the module of that name, `seqctx.cli.VERB`; the line here
is the first line of its own help.
"""

from __future__ import annotations

from collections.abc import Mapping

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Start": {
        "init": "Write a config file for your model, GPU and manuscripts.",
        "setup": "Install Axolotl and vLLM, each in an environment of its own.",
        "schema": "Print the JSON Schema of config files, for editors.",
    },
    "Check and plan": {
        "check": "Find problems that Axolotl and vLLM do not report.",
        "plan": "Compute the memory and time that training and serving need.",
    },
    "Prepare and train": {
        "read": "Show how manuscripts are understood, before anything is made of them.",
        "prepare": "Turn manuscripts into training examples.",
        "train": "Train the model with Axolotl.",
        "merge": "Merge the trained adapter into its base model.",
    },
    "Serve and write": {
        "serve": "Serve the base model and the adapter with vLLM.",
        "chat": "Talk with the base model and the adapter.",
    },
    "Learn": {
        "demo": "Prepare, train, serve and compare, end to end.",
        "explain": "Explain training length and context length with your own numbers.",
    },
}

SUMMARIES: Mapping[str, str] = {
    verb: line for verbs in SECTIONS.values() for verb, line in verbs.items()
}
