"""What a first start does to the database: migrations, the first administrator, the demonstration. Safe to repeat.

It runs as a process of its own (`python -m launch.firststart`), so that the supervisor stays small.
"""

import os
import sys
from pathlib import Path

from launch.places import Places, write_private

REFUSED = 3


def upgrade(url: str) -> None:
    """Brings the database to the newest migration."""
    from core import database

    database.upgrade(url)


def seed_demonstration() -> None:
    """Fills the database with the demonstration; refuses where real claims are."""
    from core.settings import Settings
    from lab.seed import seed

    seed(Settings.from_env(os.environ))


def ensure_administrator(url: str, places: Places) -> None:
    """Makes the first administrator when nobody is there; the generated password goes to a file only we can read."""
    from core import database
    from staff.service import ensure_first_admin

    engine = database.connect(url, name="chakan-setup")
    try:
        made = ensure_first_admin(database.sessions(engine))
    finally:
        engine.dispose()
    if made:
        username, password = made
        advice = "Change the password after the first sign-in, then delete this file."
        text = f"username: {username}\npassword: {password}\n{advice}\n"
        write_private(places.first_sign_in, text)


def main() -> int:
    """Prepares the database named by the environment; a refusal is one plain line and exit code 3."""
    from core.errors import ChakanError

    url, places = os.environ["CHAKAN_DATABASE_URL"], Places(Path(os.environ["CHAKAN_DATA"]))
    places.data.mkdir(parents=True, exist_ok=True)
    try:
        upgrade(url)
        if os.environ.get("CHAKAN_DEMO") == "1":
            seed_demonstration()
        ensure_administrator(url, places)
    except ChakanError as error:
        print(f"refused: {error}", flush=True)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
