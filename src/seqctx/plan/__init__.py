"""Memory and time before the GPU hours, and which option to take."""
