"""Where everyone is."""
