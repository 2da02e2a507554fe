"""Group chats (WeCom, DingTalk, …) through apprise. A room's URL is a secret; rows hold its digest."""

import hashlib

from notify.errors import Permanent, Transient
from notify.message import Letter

DESK_ROOM = "desk"


def rooms(urls: str) -> dict[str, str]:
    """The rooms of the setting, by the name rows know them under."""
    return {f"room-{hashlib.sha256(url.encode()).hexdigest()[:8]}": url for url in urls.split()}


def room_names(urls: str) -> tuple[str, ...]:
    """Where the desk is told; the visible outbox stands in while no room is set."""
    return tuple(rooms(urls)) or (DESK_ROOM,)


class AppriseChat:
    """One apprise URL a room; a message goes to one room, so that a retry never repeats it in another."""

    name = "apprise"

    def __init__(self, urls: str) -> None:
        self._rooms = rooms(urls)

    def send(self, letter: Letter) -> str | None:
        """Posts to the room. Raises Permanent when the room is no longer set up."""
        # Apprise knows 170 services and takes a quarter of a second to load: only who chats pays for it.
        import apprise

        url = self._rooms.get(letter.address)
        if url is None:
            raise Permanent("no_such_room")
        chat = apprise.Apprise()
        if not chat.add(url):
            raise Permanent("bad_chat_url")
        if not chat.notify(title=letter.title, body=letter.text):
            raise Transient("chat_refused")
        return None
