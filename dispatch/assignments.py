"""Assignments: the accepted duty. One door to what the desk does by hand and what the surveyor reports."""

from dispatch.appointments import appoint, arrange
from dispatch.by_hand import assign_by_hand, redispatch, reopen_for_retake, reopen_in, withdraw
from dispatch.field import arrive, contacted, depart, hand_over, submit
from dispatch.holding import active, last_of
from dispatch.own_word import done_by
from dispatch.taking_back import take_back_answer

__all__ = [
    "active", "appoint", "arrange", "arrive", "assign_by_hand", "contacted", "depart", "done_by", "hand_over", "last_of",
    "redispatch", "reopen_for_retake", "reopen_in", "submit", "take_back_answer", "withdraw",
]  # fmt: skip
