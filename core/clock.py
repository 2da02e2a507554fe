"""What time it is. The database is the only judge: hosts and phones may be wrong."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session


def read(session: Session, now: datetime | None = None) -> datetime:
    """The database's time, aware, UTC; or `now` when the caller brings a simulated clock (lab, tests)."""
    if now is not None:
        return now
    return session.execute(text("SELECT clock_timestamp()")).scalar_one()  # type: ignore[no-any-return]
