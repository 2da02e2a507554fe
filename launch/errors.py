"""What can go wrong while starting."""


class CannotStart(Exception):
    """A reason to stop that the person at the terminal can act on; its text is shown as it is."""
