"""What others define: keys of Axolotl and vLLM, models, GPUs; tables with their sources."""
