"""Viewers who may see the same thing, and what is told to them: encoded once a group and cell, shared as bytes."""

import contextlib
import secrets
import socket
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gevent.event import Event

from api import packing
from api.packing import Box, Cell

# What may wait for a viewer beyond a picture: half a minute of a busy desk. Who is slower than that is let go, and
# comes back to a picture instead of to old news.
MOST_WAITING_BYTES = 512 * 1024
Key = tuple[str, str]


@dataclass(frozen=True)
class Scope:
    """What a viewer may see. `only` is his own id when he is nothing but a surveyor.

    `lent`: paths of organisations whose surveyors, not whose jobs, a catastrophe shows to him too.
    """

    org_path: str
    only: str | None
    lent: tuple[str, ...] = ()

    def holds(self, kind: str, org_path: str) -> bool:
        """Whether a card of that kind and organisation is the viewer's to see."""
        return org_path.startswith(self.org_path) or (kind == "surveyor" and org_path.startswith(self.lent))


@dataclass(eq=False)
class Entry:
    """A card as of a place in the feed; its bytes are made when first asked for."""

    kind: str
    key: str
    org_path: str
    card: dict[str, Any]
    ident: tuple[int, int]
    number: int = 0
    _row: bytes | None = None
    _text: bytes | None = None

    @property
    def cell(self) -> Cell | None:
        """The cell of a surveyor's position."""
        place = self.card.get("position") if self.kind == "surveyor" else None
        return packing.cell_of(place["lon"], place["lat"]) if place else None

    def row(self) -> bytes:
        """The row of a surveyor."""
        if self._row is None:
            self._row = packing.row(self.number, self.card)
        return self._row

    def text(self) -> bytes:
        """The card as JSON."""
        if self._text is None:
            self._text = packing.encode(self.card)
        return self._text


@dataclass
class Change:
    """What was, what is; `whole` when more changed than the place; as of which place in the feed."""

    old: Entry | None
    new: Entry | None
    whole: bool
    ident: tuple[int, int]


@dataclass(eq=False)
class Viewer:
    """An open stream and what waits to be sent on it."""

    packed: bool
    box: Box | None
    plug: socket.socket | None = None
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    group: "Group | None" = None
    cells: frozenset[Cell] | None = None
    outbox: deque[bytes] = field(default_factory=deque)
    size: int = 0
    # Up to where in the feed he has been told by a picture or a resumption: the next second must not tell it again.
    known: tuple[int, int] = (0, 0)
    dropped: bool = False
    woken: Event = field(default_factory=Event)

    def push(self, told: bytes) -> None:
        """Queues bytes; lets the viewer go when he does not keep up."""
        if self.dropped:
            return
        self.outbox.append(told)
        self.size += len(told)
        if self.size > MOST_WAITING_BYTES:
            self.drop()
        self.woken.set()

    def restart(self, picture: bytes) -> None:
        """Queues a picture instead of what waits; its size is not held against a slow viewer."""
        self.outbox.clear()
        self.outbox.append(picture)
        self.size = 0
        self.woken.set()

    def drop(self) -> None:
        """Ends the stream even while a send to it is blocked."""
        self.dropped = True
        self.outbox.clear()
        self.size = 0
        self.woken.set()
        if self.plug is not None:
            with contextlib.suppress(OSError):  # he may have gone by himself just now
                self.plug.shutdown(socket.SHUT_RDWR)

    def take(self) -> bytes:
        """Everything that waits, as one write."""
        self.woken.clear()
        told = b"".join(self.outbox)
        self.outbox.clear()
        self.size = 0
        return told


def sees(scope: Scope, box: Box | None, kind: str, org_path: str, card: Mapping[str, Any]) -> bool:
    """Whether a card belongs on a viewer's screen."""
    if not scope.holds(kind, org_path):
        return False
    if scope.only is not None:
        people = (card.get("surveyor") or {}, (card.get("offer") or {}).get("surveyor") or {})
        return kind == "task" and any(person.get("id") == scope.only for person in people)
    place = (card.get("position") or {}) if kind == "surveyor" else card
    if box is None or place.get("lon") is None:
        return True
    west, south, east, north = box
    return bool(west <= place["lon"] <= east and south <= place["lat"] <= north)


class Group:
    """Viewers of one scope and manner; plain readers with a box are a group of their own."""

    def __init__(self, scope: Scope, packed: bool, box: Box | None) -> None:
        self.scope, self.packed, self.box = scope, packed, box
        self.viewers: set[Viewer] = set()
        self._picture: tuple[str, bytes] | None = None

    def sees(self, entry: Entry) -> bool:
        """Whether a card is for this group."""
        return sees(self.scope, self.box, entry.kind, entry.org_path, entry.card)

    def sees_clock(self, entry: Entry) -> bool:
        """Clocks belong to the organisation; a mere surveyor's phone counts by itself."""
        return self.scope.only is None and entry.org_path.startswith(self.scope.org_path)

    def forget(self) -> None:
        """The picture is to be made anew."""
        self._picture = None

    def picture(self, cards: Iterable[Entry], last_id: str) -> bytes:
        """The shared part of a snapshot, made once for all who come at this place of the feed."""
        if self._picture is None or self._picture[0] != last_id:
            seen = [entry for entry in cards if self.sees(entry)]
            tasks = b",".join(entry.text() for entry in seen if entry.kind == "task")
            people = [entry for entry in seen if entry.kind == "surveyor"]
            rows = b",".join(entry.row() if self.packed else entry.text() for entry in people)
            name = b"rows" if self.packed else b"surveyors"
            self._picture = (last_id, b'"%s":[%s],"tasks":[%s]' % (name, rows, tasks))
        return self._picture[1]

    def snapshot(self, viewer: Viewer, picture: bytes, tag: str) -> bytes:
        """The snapshot event of one viewer."""
        head: dict[str, Any] = {"server_time": packing.stamp()}
        if self.packed:
            head |= {"stream": viewer.key, "cell_deg": packing.CELL_DEG, "columns": packing.COLUMNS}
        return packing.event("snapshot", packing.encode(head)[:-1] + b"," + picture + b"}", tag)

    def tell(self, changes: Mapping[Key, Change], clocks: Sequence[Entry], now_s: float, tag: str) -> None:
        """Queues one message for every viewer whom something concerns."""
        if not changes and not clocks:
            return
        first = min((change.ident for change in changes.values()), default=(0, 0))
        # Nearly everybody shares one; who came in the middle of the second shares with those who came with him.
        shared: dict[tuple[int, int], Telling] = {}
        for viewer in list(self.viewers):
            since = viewer.known if viewer.known >= first else (0, 0)
            if since not in shared:
                new = {k: c for k, c in changes.items() if c.ident > since} if since > (0, 0) else changes
                shared[since] = Telling(self, new, clocks, now_s, tag)
            if told := shared[since].to(viewer.cells):
                viewer.push(told)

    def message(
        self,
        changes: Mapping[Key, Change],
        clocks: Sequence[Entry],
        now_s: float,
        tag: str,
        cells: frozenset[Cell] | None,
    ) -> bytes:
        """The message for one viewer, such as one who comes back."""
        return Telling(self, changes, clocks, now_s, tag).to(cells)


class Telling:
    """The changes of one second for one group; what viewers of the same cells get is joined once."""

    def __init__(
        self, group: Group, changes: Mapping[Key, Change], clocks: Sequence[Entry], now_s: float, tag: str
    ) -> None:
        self.now_s, self.tag, self.packed = now_s, tag, group.packed
        self.rows: list[bytes] = []
        rest: list[Told] = []
        # By the cell whose viewers are told, and the cell in whose frame the place is given.
        moves: dict[tuple[Cell, Cell], list[bytes]] = defaultdict(list)
        for change in changes.values():
            self._sort(group, change, moves, rest)
        rest += [Told(entry.ident, "clock", entry.text()) for entry in clocks if group.sees_clock(entry)]
        self.rest = in_order(rest, tag)
        self.cells = [(where, packing.fragment(cell, told)) for (where, cell), told in moves.items()]
        self.joined: dict[frozenset[Cell] | None, bytes] = {}

    def _sort(
        self,
        group: Group,
        change: Change,
        moves: dict[tuple[Cell, Cell], list[bytes]],
        rest: list["Told"],
    ) -> None:
        old, new = change.old, change.new
        was = old is not None and group.sees(old)
        if new is None or not group.sees(new):
            if was and old is not None:
                rest.append(self._gone(group, change.ident, old, new))
        elif new.kind != "surveyor" or not self.packed:
            rest.append(Told(change.ident, new.kind, new.text()))
        elif change.whole or new.cell is None or not was:
            self.rows.append(new.row())
        else:
            now = new.cell
            told = packing.move(new.number, now, new.card["position"], self.now_s)
            moves[now, now].append(told)
            before = old.cell if old is not None else None
            if before is not None and before != now:
                moves[before, now].append(told)  # who watches the old cell must see him leave it

    def _gone(self, group: Group, ident: tuple[int, int], old: Entry, new: Entry | None) -> "Told":
        if new is not None and new.kind == "surveyor" and group.scope.holds(new.kind, new.org_path):
            # He left the box, not the organisation: the reader moves his dot out of sight.
            return Told(ident, "surveyor", new.text())
        return Told(ident, "gone", packing.encode({"kind": old.kind, "id": old.key}))

    def to(self, cells: frozenset[Cell] | None) -> bytes:
        """The bytes for a viewer of these cells; empty when nothing concerns him."""
        if cells not in self.joined:
            # Who watches everything needs nobody's leaving told twice, but that is rare and harmless.
            fragments = [told for where, told in self.cells if cells is None or where in cells]
            moved = b""
            if fragments or self.rows:
                # Whatever follows carries the place in the feed: this one event arrives whole or not at all.
                moved = packing.batch(self.now_s, fragments, self.rows, "" if self.rest else self.tag)
            self.joined[cells] = moved + self.rest
        return self.joined[cells]


class Told(NamedTuple):
    """An event to tell and its place in the feed."""

    ident: tuple[int, int]
    kind: str
    data: bytes


def in_order(told: list[Told], tag: str) -> bytes:
    """Events in the order of the feed, each with its own place there, the last with where the feed stands.

    A line that breaks between two of them is resumed with exactly the second. Of several at one place only the last says it.
    """
    told.sort(key=lambda one: one.ident)
    boot = tag.partition("/")[1:]
    pieces = []
    for n, one in enumerate(told):
        ident = tag
        if n + 1 < len(told):
            same = told[n + 1].ident == one.ident
            ident = "" if same else "".join((f"{one.ident[0]}-{one.ident[1]}", *boot))
        pieces.append(packing.event(one.kind, one.data, ident))
    return b"".join(pieces)
