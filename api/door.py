"""The door: every view says who may enter, or is public on purpose."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from flask_openapi import APIBlueprint, Tag
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

View = TypeVar("View", bound=Callable[..., Any])


class Problem(BaseModel):
    """An RFC 9457 problem. `code` is permanent."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    facts: dict[str, Any] = {}
    errors: list[dict[str, str]] = []


PROBLEM = "#/components/schemas/Problem"
REFUSALS = {
    400: "not JSON, or a header is missing", 401: "unsigned", 403: "denied", 404: "missing or not yours",
    409: "conflict", 410: "gone", 413: "too large", 415: "wrong type", 422: "invalid", 429: "too many", 503: "busy",
}  # fmt: skip


def clean(value: str) -> str:
    """Refuses what PostgreSQL or a log cannot hold: NUL and lone surrogates."""
    if "\0" in value:
        raise ValueError("a NUL character is not text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("a lone surrogate is not text") from error
    return value


Text = Annotated[str, AfterValidator(clean), Field(max_length=200)]
LongText = Annotated[str, AfterValidator(clean), Field(max_length=10_000)]
IdText = Annotated[str, Field(pattern=r"^[0-9]{1,19}$", examples=["912215616608274188"])]


class Strict(BaseModel):
    """A request body or query: unknown fields are refused, text is stripped and clean."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Page(Strict):
    """The query of a list."""

    limit: int = Field(50, ge=1, le=500)
    after: IdText | None = None

    @property
    def after_id(self) -> int:
        """The cursor as an id; 0 for the first page."""
        return id_of(self.after) if self.after else 0


def id_of(value: str) -> int:
    """An id from its text, kept inside 63 bits so that the database need not refuse it."""
    return min(int(value), 2**63 - 1)


class Door(APIBlueprint):
    """A blueprint under /api/v1 whose refusals are documented."""

    def __init__(self, name: str, *, tag: str, prefix: str = "/api/v1") -> None:
        super().__init__(
            name,
            f"api.{name}",
            url_prefix=prefix,
            abp_tags=[Tag(name=tag)],
            abp_security=[{"bearer": []}, {"cookie": []}],
            abp_responses={
                status: {
                    "description": text,
                    # By name: written out eleven times an operation it was most of a document of a megabyte.
                    "content": {"application/problem+json": {"schema": {"$ref": PROBLEM}}},
                }
                for status, text in REFUSALS.items()
            },
        )


def unannotate(view: Callable[..., Any]) -> None:
    """Drops the return annotation at run time: Flask's own type names classes that exist only for type checkers,
    and flask-openapi evaluates every annotation of a view."""
    view.__annotations__.pop("return", None)


def roles(*names: str, idempotent: bool = False) -> Callable[[View], View]:
    """Lets people with any of these roles in; `idempotent` makes the Idempotency-Key header a must."""

    def mark(view: View) -> View:
        unannotate(view)
        view.allowed = frozenset(names)  # type: ignore[attr-defined]
        view.needs_key = idempotent  # type: ignore[attr-defined]
        return view

    return mark


EVERYBODY = ("seat", "dispatcher", "surveyor", "adjuster", "supervisor", "admin", "integration")


def public(view: View) -> View:
    """Opens a view to strangers, on purpose."""
    unannotate(view)
    view.is_public = True  # type: ignore[attr-defined]
    return view
