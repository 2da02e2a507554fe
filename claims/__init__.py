"""What happened, to whom, where; and the clocks that run from it."""
