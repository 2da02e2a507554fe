"""Why is this surveyor grey? Each cause by its own mark, the likeliest first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from geo import diagnosis
from geo.diagnosis import Heard, Phone, causes, silences, spread
from geo.fix import Fix

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
START = NOW - timedelta(hours=3)


def fix(ago_min: float, delay_s: float = 2, accuracy_m: float | None = 10, battery: int | None = 80) -> Fix:
    at = NOW - timedelta(minutes=ago_min)
    return Fix(at, at + timedelta(seconds=delay_s), 116.4, 39.9, accuracy_m, battery=battery)


def steady(until_min: float, **given: float) -> list[Fix]:
    return [fix(180 - n, **given) for n in range(round(180 - until_min) + 1)]  # type: ignore[arg-type]


def heard(track: list[Fix], **given: object) -> Heard:
    phone = Phone(1, None, given.pop("seen_at", None), given.pop("offset_s", 0), given.pop("refused", {}))  # type: ignore[arg-type]
    known: dict[str, object] = {
        "now": NOW, "on_duty": True, "on_duty_since": START, "dot": track[-1] if track else None, "phones": [phone],
        "track": track,
    }  # fmt: skip
    return Heard(**(known | given))  # type: ignore[arg-type]


def names(of: Heard) -> list[str]:
    return [cause.name for cause in causes(of)]


def test_a_phone_that_speaks_of_unbelievable_places_is_not_called_silent_only() -> None:
    jumping = heard(
        steady(0), dot=fix(10), phones=[Phone(1, None, NOW, held={"impossible_speed": 5, "imprecise": 1})]
    )
    assert [c.name for c in causes(jumping)] == ["held", "silent"]
    assert causes(jumping)[0].facts == {"reason": "impossible_speed", "count": 5}
    quiet = heard(steady(10), phones=[Phone(1, None, NOW, held={"impossible_speed": 5})])
    assert [c.name for c in causes(quiet)] == ["silent"]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (heard(steady(0)), ["fine"]),
        (heard(steady(0), on_duty=False, on_duty_since=None), ["off_shift"]),
        (heard(steady(20)), ["silent"]),
        (heard([], on_duty_since=NOW - timedelta(seconds=30)), ["just_started"]),
        (heard([]), ["never_heard"]),
        (heard([], phones=[]), ["no_phone"]),
        (heard(steady(20), phones=[Phone(1, NOW, None), Phone(2, START, None)]), ["revoked"]),
        (heard(steady(20), offset_s=28_800), ["clock_wrong", "silent"]),
        (heard([], refused={"from_the_future": 40}), ["clock_wrong", "never_heard"]),
        (heard(steady(20), refused={"from_the_future": 9}), ["silent"]),
        (heard([], refused={"zero": 40, "duplicate": 900}), ["refused", "never_heard"]),
        (heard(steady(20, accuracy_m=900)), ["coarse", "silent"]),
        (heard(steady(20, battery=4)), ["battery_low", "silent"]),
        (heard(steady(20, delay_s=1500)), ["no_network", "silent"]),
        (heard([fix(m) for m in (170, 150, 130, 110, 90, 70)]), ["battery_saver", "silent"]),
    ],
)  # fmt: skip
def test_each_cause_has_its_mark(of: Heard, expected: list[str]) -> None:
    assert names(of) == expected


def test_what_was_refused_only_counts_against_what_was_kept() -> None:
    assert names(heard(steady(20), refused={"imprecise": 20})) == ["silent"]
    assert names(heard(steady(20), refused={"duplicate": 5000, "off_duty": 900})) == ["silent"]


def test_silence_says_since_when_and_whether_the_phone_still_came() -> None:
    (cause,) = causes(heard(steady(20), seen_at=NOW - timedelta(minutes=1)))
    assert cause.facts["since"] == NOW - timedelta(minutes=20)
    assert cause.facts["seen_at"] == NOW - timedelta(minutes=1)
    (quiet,) = causes(heard(steady(20), seen_at=NOW - timedelta(minutes=20)))
    assert "seen_at" not in quiet.facts


def test_a_wrong_clock_is_said_even_when_all_is_well() -> None:
    assert names(heard(steady(0), offset_s=-3600)) == ["fine", "clock_wrong"]


def test_silences_and_delays_in_figures() -> None:
    of = heard([*steady(60), *[fix(m) for m in (20, 10, 1)]])
    assert [round((g.end - g.start).total_seconds() / 60) for g in silences(of)] == [40, 10, 9]
    shown = spread([fix(3, 1), fix(2, 10), fix(1, 4000)])
    assert (shown["counts"], shown["p50_s"]) == ([1, 1, 0, 0, 0, 1], 10.0)
    assert spread([])["p95_s"] is None


def test_every_cause_has_its_words_on_the_pages() -> None:
    source = Path(diagnosis.__file__).read_text(encoding="utf-8")
    said = (Path(diagnosis.__file__).parents[1] / "web" / "shared" / "diagnosis.ts").read_text(
        encoding="utf-8"
    )
    named = {part.split('"')[0] for part in source.split('Cause("')[1:]}
    assert len(named) == 14
    assert [name for name in named if said.count(f" {name}:") != 4] == []
