"""SMS: the visible outbox for a start, an HTTP gateway for real."""
