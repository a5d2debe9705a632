"""In-environment scripts: they run with Axolotl's Python and import torch."""
