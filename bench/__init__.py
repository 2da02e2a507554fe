"""Measurements: each module has `main(quick) -> {"figures": […]}` and is run by `chakan bench NAME`."""
