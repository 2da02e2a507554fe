"""What RQ calls in this room. Its dotted names are a contract: queued jobs hold them."""

from core import wiring
from geo.roads import lessons


def learn_roads(lesson_id: int) -> None:
    """Learns the speeds of the roads from the tracks. Safe to repeat: a lesson is taken by one worker."""
    lessons.run(wiring.sessions, wiring.settings.data, lesson_id)
