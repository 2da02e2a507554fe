"""Offers: one door to asking and to the answers."""

from dispatch.answers import accept, decline, expire_offers, take_on, withdraw_open
from dispatch.asking import offer_next

__all__ = ["accept", "decline", "expire_offers", "offer_next", "take_on", "withdraw_open"]
