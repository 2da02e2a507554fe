"""What is learned from the days before: how long a survey takes on scene by line, and how far people's own word comes true."""

from core.database import Sessions
from dispatch import learning_queries as queries

# Fewer finished surveys than this say less than the setting does.
ENOUGH = 20
DAYS = 60
# Whatever was seen: people neither halve what they say nor treble it, and nobody is exact to the second nor says nothing.
WORD_LIMITS = {"least_takes": 0.5, "most_takes": 3.0, "least_spread": 0.1, "most_spread": 0.8}


def learn_service_times(sessions: Sessions) -> int:
    """Learns the median seconds from arrival to report, of the last two months; returns how many lines were learned.

    In the same go how far words like "done in twenty minutes" came true. Once a day is enough: called more often it does
    nothing.
    """
    with sessions.begin() as session:
        if queries.learned_lately(session, hours=20):
            return 0
        queries.learn_words(session, {"days": DAYS, "enough": ENOUGH, **WORD_LIMITS})
        return queries.learn_service_times(session, days=DAYS, enough=ENOUGH)
