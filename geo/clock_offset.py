"""How wrong a phone's clock is, learned from its sends: late batches are late by differing times, a wrong clock by one.

`offset_s` is the phone's clock minus the true time: positive when it runs ahead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

import msgspec

from geo.fix import Fix

# Nearer than this a clock is right, and the delay of sending explains the rest.
RIGHT_S = 90.0
AHEAD_S = 60.0
# Sends that agree within this tell one offset: the delay of a live phone varies less.
AGREE_S = 30.0
# A fix ahead of the true time cannot be a late one: three sends are proof. Behind, it could be: five over two minutes.
AHEAD_SENDS, AHEAD_OVER_S = 3, 20.0
BEHIND_SENDS, BEHIND_OVER_S = 5, 120.0
# Kept this far apart, a dozen and two reach past the two minutes: a phone that speaks every few seconds is learned too.
APART_S, KEPT_SENDS = 10.0, 14
# Most wrong clocks are wrong by a time zone, and those are whole quarters of an hour.
QUARTER_S, QUARTER_NEAR_S = 900, 45


@dataclass(frozen=True)
class Send:
    """One send: when it came, and the phone's time of its newest fix minus that, in seconds."""

    at: datetime
    ahead_s: float


@dataclass(frozen=True)
class PhoneClock:
    """What is known of a phone's clock. `sends` are those that do not fit what is known, newest last."""

    offset_s: int = 0
    learned_at: datetime | None = None
    sends: tuple[Send, ...] = ()

    @classmethod
    def stored(
        cls, offset_s: int | None, learned_at: datetime | None, sends: Iterable[tuple[str, float]] | None
    ) -> "PhoneClock":
        """What a row of `device_clock` says; without a row nothing is known."""
        if offset_s is None:
            return UNKNOWN
        told = tuple(Send(datetime.fromisoformat(at), ahead_s) for at, ahead_s in sends or ())
        return cls(offset_s, learned_at, told)

    def to_store(self) -> dict[str, object]:
        """The row as JSON says it; `stored` reads it back."""
        return {
            "offset_s": self.offset_s,
            "learned_at": self.learned_at and self.learned_at.isoformat(),
            "sends": [[send.at.isoformat(), send.ahead_s] for send in self.sends],
        }

    def correct(self, fix: Fix) -> Fix:
        """The fix at the true time, the phone's own beside it; the same fix when the clock is right."""
        if self.offset_s == 0:
            return fix
        try:
            true = fix.fixed_at - timedelta(seconds=self.offset_s)
        except OverflowError:
            return fix
        return msgspec.structs.replace(fix, fixed_at=true, phone_at=fix.fixed_at)

    def learn(self, newest: datetime, now: datetime) -> "PhoneClock":
        """What is known after a send whose newest fix is of `newest` by the phone's clock; itself when nothing is new."""
        ahead_s = (newest - now).total_seconds()
        if -RIGHT_S <= ahead_s <= AHEAD_S:
            if self is UNKNOWN or self == UNKNOWN:
                return self
            return PhoneClock(0, now if self.offset_s else self.learned_at)
        send = Send(now, ahead_s)
        if self.offset_s and abs(send.ahead_s - self.offset_s) <= RIGHT_S:
            return replace(self, sends=()) if self.sends else self
        if self.sends and not _tells_more(send, self.sends[-1]):
            return self
        sends = (*self.sends, send)[-KEPT_SENDS:]
        found = agreed(sends)
        if found is None:
            return replace(self, sends=sends)
        return PhoneClock(found, now)


UNKNOWN = PhoneClock()


def _tells_more(send: Send, than: Send) -> bool:
    """Whether a send is worth keeping: a while after the one before it, or at odds with it."""
    apart_s = (send.at - than.at).total_seconds()
    return apart_s >= APART_S or (apart_s > 0 and abs(send.ahead_s - than.ahead_s) > AGREE_S)


def agreed(sends: Sequence[Send]) -> int | None:
    """The offset in whole seconds that the newest sends agree on, or None.

    A backlog sent late catches up while it is sent, so its difference shrinks from send to send and they do not agree.
    """
    ahead = sends[-1].ahead_s > AHEAD_S
    needed, over_s = (AHEAD_SENDS, AHEAD_OVER_S) if ahead else (BEHIND_SENDS, BEHIND_OVER_S)
    told: list[float] = []
    first = sends[-1].at
    for send in reversed(sends):
        if (
            max(told, default=send.ahead_s) - send.ahead_s > AGREE_S
            or send.ahead_s - min(told, default=send.ahead_s) > AGREE_S
        ):
            break
        told.append(send.ahead_s)
        first = send.at
        if len(told) >= needed and (sends[-1].at - first).total_seconds() >= over_s:
            break
    if len(told) < needed or (sends[-1].at - first).total_seconds() < over_s:
        return None
    offset = median(told)
    quarter = round(offset / QUARTER_S) * QUARTER_S
    # The delay of sending makes a clock look a little slow.
    return quarter if abs(offset - quarter) <= QUARTER_NEAR_S else round(max(told))
