"""The file: its models, how it is read, and what is made of it for Axolotl and vLLM."""
