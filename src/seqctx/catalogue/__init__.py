"""What others define: names that Axolotl and vLLM know, shapes of models, GPUs."""
