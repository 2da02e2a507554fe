"""What a report and its amendments look like from outside."""

from typing import Any, Literal

from pydantic import Field

from api.door import IdText, LongText, Strict, Text, id_of
from api.fields import Moment, PositionIn
from claims import service

Line = Literal["motor", "property", "agri", "assist"]
ItemKind = Literal["own_vehicle", "third_vehicle", "person", "property", "animal", "field"]
Skills = list[Text]


class ReporterIn(Strict):
    """Who rang."""

    name: Text | None = Field(None, examples=["报案人"])
    phone: Text = Field(min_length=1, max_length=40, examples=["13800001234"])
    relation: Text | None = Field(None, examples=["insured"])


class LossIn(Strict):
    """What happened, when and where. One of `position` and `place` must be there."""

    at: Moment | None = None
    position: PositionIn | None = None
    place: Text | None = Field(None, examples=["长安街与某路口"])
    cause: Text | None = Field(None, examples=["collision"])
    injured: int = Field(0, ge=0, le=10_000)
    movable: bool | None = None
    scene_left: bool | None = None


class ItemIn(Strict):
    """A vehicle, person or thing concerned."""

    kind: ItemKind = "own_vehicle"
    plate: Text | None = Field(None, max_length=20, examples=["京A12345"])
    vin: Text | None = Field(None, max_length=40)
    description: LongText = Field("", max_length=500)

    def item(self) -> service.Item:
        """The item as the room takes it."""
        return service.Item(**self.model_dump())


class ClaimIn(Strict):
    """A first notice of loss."""

    reported_at: Moment | None = None
    call_ended_at: Moment | None = None
    reporter: ReporterIn
    loss: LossIn
    line: Line = "motor"
    policy_no: Text | None = Field(None, max_length=64, examples=["P1"])
    items: list[ItemIn] = Field([], max_length=50)
    needs: Skills | None = Field(
        None, max_length=20, description="skills; left out: what the line needs", examples=[["motor"]]
    )
    external_no: Text | None = Field(None, min_length=1, max_length=64)
    note: LongText = Field("", max_length=4000)
    insuring_org_id: IdText | None = Field(
        None, description="通赔: the branch that insures; left out: who takes the report"
    )

    def notice(self) -> service.Notice:
        """The notice as the room takes it."""
        at = self.loss.position
        return service.Notice(
            reported_at=self.reported_at,
            call_ended_at=self.call_ended_at,
            reporter_name=self.reporter.name,
            reporter_phone=self.reporter.phone,
            reporter_relation=self.reporter.relation,
            loss_at=self.loss.at,
            place=at.place() if at else None,
            place_source=at.datum if at else "wgs84",
            place_text=self.loss.place,
            cause=self.loss.cause,
            injured=self.loss.injured,
            movable=self.loss.movable,
            scene_left=self.loss.scene_left,
            line=self.line,
            policy_no=self.policy_no,
            items=tuple(item.item() for item in self.items),
            needs=tuple(self.needs) if self.needs is not None else None,
            external_no=self.external_no,
            note=self.note,
            insuring_org_id=id_of(self.insuring_org_id) if self.insuring_org_id else None,
        )


class ReporterChange(Strict):
    """What changes about who rang."""

    name: Text | None = None
    phone: Text | None = Field(None, min_length=1, max_length=40)
    relation: Text | None = None


class LossChange(Strict):
    """What changes about the loss."""

    at: Moment | None = None
    position: PositionIn | None = None
    place: Text | None = None
    cause: Text | None = None
    injured: int | None = Field(None, ge=0, le=10_000)
    movable: bool | None = None
    scene_left: bool | None = None


class ClaimChange(Strict):
    """What changes about a claim; what is left out stays. `version` as read guards against overwriting another's change."""

    version: int | None = Field(None, ge=1, lt=2**31)
    call_ended_at: Moment | None = None
    reporter: ReporterChange | None = None
    loss: LossChange | None = None
    policy_no: Text | None = Field(None, max_length=64)
    external_no: Text | None = Field(None, min_length=1, max_length=64)
    items: list[ItemIn] | None = Field(None, max_length=50)
    note: LongText | None = Field(None, max_length=4000)

    def changes(self) -> dict[str, Any]:
        """Only what was sent, by the names of `Notice`."""
        given = self.model_dump(
            exclude_unset=True, include={"call_ended_at", "policy_no", "external_no", "note"}
        )
        if self.reporter is not None:
            given |= {f"reporter_{k}": v for k, v in self.reporter.model_dump(exclude_unset=True).items()}
        if self.loss is not None:
            names = {"at": "loss_at", "place": "place_text"}
            sent = self.loss.model_dump(exclude_unset=True, exclude={"position"})
            given |= {names.get(k, k): v for k, v in sent.items()}
            if self.loss.position is not None:
                given |= {"place": self.loss.position.place(), "place_source": self.loss.position.datum}
        if given.get("injured", 0) is None:
            given["injured"] = 0
        if self.items is not None:
            given["items"] = tuple(item.item() for item in self.items)
        return given
