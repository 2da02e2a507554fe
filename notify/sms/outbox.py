"""The visible outbox: a message is shown on the Messages page, and logged with a masked address."""

import logging

from notify.message import Letter, masked

log = logging.getLogger(__name__)


class VisibleOutbox:
    """What a new installation starts with: nobody is texted by accident, everything can be read."""

    name = "outbox"

    def send(self, letter: Letter) -> str | None:
        """Logs that the message is there to be read; its words stay in the database."""
        log.info(
            "message shown in the outbox",
            extra={
                "message_id": letter.message_id,
                "channel": letter.channel,
                "template": letter.template,
                "to": masked(letter.address),
            },
        )
        return None
