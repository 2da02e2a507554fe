"""Why is this surveyor grey? Named causes from what is known of his phone, the likeliest first. Rules only.

What to do about each is said by the pages, in people's words (`web/shared/diagnosis.ts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from geo.fix import Fix
from geo.staleness import AMBER_S, RED_S, age_s
from geo.stops import GAP, Gap, gaps

# So long after going on duty nobody need have been heard of yet.
WARM_UP = timedelta(minutes=2)
LOW_BATTERY = 8  # percent; below it phones stop locating by themselves
COARSE_M = 200.0
# Arrived this much later than it was taken, a fix waited for a network.
WAITED_S = 300.0
# So many silences that ended again are the mark of a battery saver: a tunnel or a basement comes once or twice.
SAVER_GAPS = 3
REFUSED_SHARE = 0.5
BUCKETS_S = (5, 15, 60, 300, 1800)


@dataclass(frozen=True)
class Phone:
    """A device of a surveyor: what the desk knows of it. `refused` and `held` are today's counts by reason."""

    device_id: int
    revoked_at: datetime | None
    seen_at: datetime | None
    offset_s: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """What is known of a surveyor at a moment: duty, dot, phones, and his track since the shift or the day began."""

    now: datetime
    on_duty: bool
    on_duty_since: datetime | None
    dot: Fix | None
    phones: Sequence[Phone]
    track: Sequence[Fix]


@dataclass(frozen=True)
class Cause:
    """A named cause with what it rests on: times, counts, seconds; never a place."""

    name: str
    facts: dict[str, object] = field(default_factory=dict)


def causes(heard: Heard) -> list[Cause]:
    """Every cause that fits, the likeliest first; `fine` alone when there is nothing to explain."""
    age = (
        None
        if heard.dot is None
        else age_s(heard.now, heard.dot.fixed_at, heard.dot.received_at or heard.now)
    )
    live = [phone for phone in heard.phones if phone.revoked_at is None]
    if not heard.on_duty:
        return [Cause("off_shift")]
    if not live:
        return [_no_phone(heard)]
    found = [*_clock(heard, live), *_refused(heard, live), *_coarse(heard, live)]
    if age is not None and age <= AMBER_S:
        return [Cause("fine", {"age_s": round(age)}), *found]
    found += [*_held(heard, live), *_battery(heard), *_saver(heard), *_waiting(heard)]
    return [*found, _silent(heard, age, live)]


def _no_phone(heard: Heard) -> Cause:
    if not heard.phones:
        return Cause("no_phone")
    last = max(phone.revoked_at for phone in heard.phones if phone.revoked_at is not None)
    return Cause("revoked", {"at": last})


def _clock(heard: Heard, live: Sequence[Phone]) -> list[Cause]:
    wrong = [phone for phone in live if phone.offset_s]
    if wrong:
        worst = max(wrong, key=lambda phone: abs(phone.offset_s))
        return [Cause("clock_wrong", {"offset_s": worst.offset_s, "corrected": True})]
    ahead = sum(phone.refused.get("from_the_future", 0) for phone in live)
    # A few of a morning, or a file with a wrong zone, do not explain a silence in the afternoon.
    many = ahead and ahead >= REFUSED_SHARE * (ahead + len(heard.track))
    return [Cause("clock_wrong", {"refused": ahead, "corrected": False})] if many else []


def _refused(heard: Heard, live: Sequence[Phone]) -> list[Cause]:
    counts: dict[str, int] = {}
    for phone in live:
        for reason, count in phone.refused.items():
            if reason not in ("duplicate", "off_duty", "from_the_future"):
                counts[reason] = counts.get(reason, 0) + count
    total = sum(counts.values())
    if not total or total < REFUSED_SHARE * (total + len(heard.track)):
        return []
    reason = max(counts, key=lambda name: counts[name])
    return [Cause("refused", {"reason": reason, "count": counts[reason], "kept": len(heard.track)})]


def _held(heard: Heard, live: Sequence[Phone]) -> list[Cause]:
    """The phone goes on speaking, but of places that may not move the dot."""
    if (
        heard.dot is None
        or not heard.track
        or heard.now - heard.track[-1].fixed_at > timedelta(seconds=AMBER_S)
    ):
        return []
    counts: dict[str, int] = {}
    for phone in live:
        for reason, count in phone.held.items():
            counts[reason] = counts.get(reason, 0) + count
    if not counts:
        return []
    worst = max(counts, key=lambda name: counts[name])
    return [Cause("held", {"reason": worst, "count": counts[worst]})]


def _coarse(heard: Heard, live: Sequence[Phone]) -> list[Cause]:
    newest = [fix.accuracy_m for fix in heard.track[-20:] if fix.accuracy_m is not None]
    useless = sum(phone.refused.get("imprecise", 0) for phone in live)
    if newest and median(newest) > COARSE_M:
        return [Cause("coarse", {"accuracy_m": round(median(newest))})]
    return [Cause("coarse", {"refused": useless})] if useless > len(heard.track) else []


def _battery(heard: Heard) -> list[Cause]:
    told = next((fix.battery for fix in reversed(heard.track) if fix.battery is not None), None)
    if told is None and heard.dot is not None:
        told = heard.dot.battery
    return [Cause("battery_low", {"battery": told})] if told is not None and told <= LOW_BATTERY else []


def _saver(heard: Heard) -> list[Cause]:
    """Silences that ended again by themselves: the system let the app run only when its owner looked at the phone."""
    quiet = silences(heard)
    ends = {gap.end for gap in quiet[:-1]}
    woken = [fix for fix in heard.track if fix.fixed_at in ends]
    if len(woken) < SAVER_GAPS:
        return []
    longest = max(round((gap.end - gap.start).total_seconds()) for gap in quiet)
    return [Cause("battery_saver", {"silences": len(woken), "longest_s": longest})]


def _waiting(heard: Heard) -> list[Cause]:
    late = [delay for delay in delays(heard.track[-20:]) if delay > WAITED_S]
    if len(late) < max(3, len(heard.track[-20:]) // 2):
        return []
    return [Cause("no_network", {"waited_s": round(median(late))})]


def _silent(heard: Heard, age: float | None, live: Sequence[Phone]) -> Cause:
    if heard.dot is None or age is None:
        since = heard.on_duty_since
        if since is not None and heard.now - since < WARM_UP:
            return Cause("just_started", {"since": since})
        return Cause("never_heard", {"since": since})
    seen = max((phone.seen_at for phone in live if phone.seen_at is not None), default=None)
    facts: dict[str, object] = {"since": heard.dot.fixed_at, "age_s": round(age), "stale": age > RED_S}
    if seen is not None and seen - heard.dot.fixed_at > timedelta(seconds=AMBER_S):
        facts["seen_at"] = seen
    return Cause("silent", facts)


def silences(heard: Heard) -> list[Gap]:
    """Today's tracking gaps on duty, the one that lasts until now included."""
    if heard.on_duty_since is None:
        return []
    start = max(heard.on_duty_since, heard.track[0].fixed_at) if heard.track else heard.on_duty_since
    return gaps(heard.track, start, heard.now, GAP)


def delays(track: Sequence[Fix]) -> list[float]:
    """Seconds from each fix to its arrival, never below zero."""
    return [
        max(0.0, (fix.received_at - fix.fixed_at).total_seconds())
        for fix in track
        if fix.received_at is not None
    ]


def spread(track: Sequence[Fix]) -> dict[str, object]:
    """How late fixes arrive: counts by bucket (the last one is everything later), median and 95th percentile in seconds."""
    told = sorted(delays(track))
    counts = [0] * (len(BUCKETS_S) + 1)
    for delay in told:
        counts[sum(delay > edge for edge in BUCKETS_S)] += 1
    return {
        "edges_s": list(BUCKETS_S),
        "counts": counts,
        "p50_s": round(told[len(told) // 2], 1) if told else None,
        "p95_s": round(told[min(len(told) - 1, int(len(told) * 0.95))], 1) if told else None,
    }
