"""The load suite: see `run`."""
