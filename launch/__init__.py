"""The launcher: one machine, nothing configured. It runs before the environment exists: standard library only."""
