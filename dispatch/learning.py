"""What is learned from the day before: how long a survey takes on scene, by insurer and line."""

from core.database import Sessions
from dispatch import queries

# Fewer finished surveys than this say less than the setting does.
ENOUGH = 20
DAYS = 60


def learn_service_times(sessions: Sessions) -> int:
    """Learns the median seconds from arrival to report, of the last two months; returns how many lines were learned.

    Once a day is enough: called more often it does nothing.
    """
    with sessions.begin() as session:
        if queries.learned_lately(session, hours=20):
            return 0
        return queries.learn_service_times(session, days=DAYS, enough=ENOUGH)
