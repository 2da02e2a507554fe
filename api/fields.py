"""Fields several views share: a moment, a place in a datum, what every phone sends with an action."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from api.door import Strict
from geo import datum
from geo.datum import Datum
from geo.fix import LonLat


def _text_only(value: Any) -> Any:
    # Pydantic would read a bare number as seconds since 1970; a caller who sends one means something else.
    if isinstance(value, datetime | str):
        return value
    raise ValueError("a time is text, RFC 3339")


def _plausible(value: datetime) -> datetime:
    # Years at the ends of the calendar overflow the first sum made with them.
    if not 2000 <= value.year < 2100:
        raise ValueError("a time between the years 2000 and 2099")
    return value.astimezone(UTC)


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_text_only),
    AfterValidator(_plausible),
    Field(examples=["2026-11-22T08:00:00Z"], description="RFC 3339 with a zone"),
]


class PositionIn(Strict):
    """A place, longitude first; `datum` says which earth (default WGS-84)."""

    lon: float = Field(ge=-180, le=180, allow_inf_nan=False, examples=[116.40])
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False, examples=[39.91])
    datum: Datum = "wgs84"

    def place(self) -> LonLat:
        """The place in WGS-84."""
        return datum.to_wgs84(self.lon, self.lat, self.datum)


class DatumWanted(Strict):
    """Which datum the answer's coordinates are in."""

    datum: Datum = "wgs84"


class FromPhone(Strict):
    """What every phone sends: its clock and its counter. The server's clock decides deadlines."""

    at: Moment | None = None
    seq: int | None = Field(None, ge=0, lt=2**63)


def position(place: LonLat | None, wanted: str = "wgs84") -> dict[str, Any] | None:
    """A place as answered, in the datum asked for."""
    if place is None:
        return None
    shown = datum.from_wgs84(place, wanted)
    return {"lon": shown.lon, "lat": shown.lat, "datum": wanted}
