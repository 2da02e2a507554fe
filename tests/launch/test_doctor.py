"""What the doctor says of the tables for positions."""

from launch import doctor


def test_the_days_to_come_are_shown_and_too_few_are_wrong() -> None:
    kept = {"first": "2026-11-18", "last": "2026-12-04", "made": 1, "forgotten": 2}
    good = doctor._days(kept, 8)
    assert good.ok and good.text == (
        "tables for 8 days to come, 2026-11-18 to 2026-12-04; last time 1 made, 2 forgotten"
    )
    assert doctor._days(None, 1).ok is False
    assert "has not seen to them" in doctor._days(None, 8).text
