"""The trackers' doors: apps of others, each with its own wire format and the exact reply it waits for."""
