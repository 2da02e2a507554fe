"""What the stream process knows: the whole picture in memory, read from Redis once for every viewer, told each second."""

import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import Event
from redis import Redis, RedisError

from api import packing
from api.belfry import Belfry
from api.groups import Change, Entry, Group, Scope, Viewer
from api.packing import Cell
from core import bell, live

log = logging.getLogger(__name__)

# A viewer gets one message a second: forty or ten thousand moving dots wake him as often.
TICK_S = 1.0
READ_S = 0.1
READ_AT_ONCE = 5000
KEEP_GONE_S = 600.0
# What a redraw may change without being news: time alone moves it, and every screen counts by itself.
AGES = frozenset({"age_s", "freshness"})
PLACE = AGES | {"position"}


@dataclass(frozen=True)
class Gone:
    """A card that left, kept for those who come back."""

    entry: Entry
    ident: tuple[int, int]
    at: float


def order(ident: str) -> tuple[int, int]:
    """A stream id as numbers. Raises ValueError when it is not one."""
    first, _, second = ident.partition("-")
    return int(first), int(second or 0)


class Hub:
    """Follows the feed once for everybody."""

    def __init__(self, redis: Redis) -> None:
        # redis-py types every answer as bytes or text or nothing; ours decodes, so it is text.
        self.redis: Any = redis
        self.groups: dict[Any, Group] = {}
        self.by_key: dict[str, Viewer] = {}
        self.cards: dict[tuple[str, str], Entry] = {}
        self.in_cell: dict[Cell, set[tuple[str, str]]] = defaultdict(set)
        self.gone: dict[tuple[str, str], Gone] = {}
        self.numbers: dict[str, int] = {}
        self.waiting: dict[tuple[str, str], Change] = {}
        self.clocks: list[Entry] = []
        self.boot = secrets.token_hex(4)
        self.last_id, self.views_id, self.bell_id, self.floor = "0-0", "$", "0-0", (0, 0)
        self.belfry = Belfry()
        self.away, self.loaded = True, False
        self.ready = Event()
        self.auth_epoch: str | None = None
        self.epoch: str | None = None

    # -- following -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Follows the feed for ever; Redis going away and coming back is a normal day."""
        while True:
            try:
                self._follow()
            except RedisError as error:
                log.warning("live feed unreachable", extra={"error": type(error).__name__})
                self.auth_epoch = None
                self._say_stale()
                self.belfry.silence()
                gevent.sleep(0.5)

    def _say_stale(self) -> None:
        if not self.away:
            self.away = True
            for viewer in self.viewers():
                viewer.push(packing.event("stale", packing.encode({"since": packing.stamp()})))

    def viewers(self) -> Iterator[Viewer]:
        """Everybody who watches."""
        return iter([viewer for group in self.groups.values() for viewer in group.viewers])

    def _follow(self) -> None:
        self.load()
        looked = ticked = time.monotonic()
        while True:
            self.read()
            now = time.monotonic()
            if now - looked >= 1:
                looked = now
                epoch = self.redis.get(live.AUTH_EPOCH)
                self.auth_epoch = str(epoch)
                if (found := self.redis.get(live.EPOCH)) != self.epoch:
                    # Emptied: the sweeper lays the picture anew within seconds; draw from that.
                    if found is None:
                        self._say_stale()
                    self.load()
            if now - ticked >= TICK_S:
                ticked = now if now - ticked > 2 * TICK_S else ticked + TICK_S
                self.tick()
            gevent.sleep(READ_S)

    def read(self) -> None:
        """Takes in what the feed and the viewers have said since."""
        wanted = {live.STREAM: self.last_id, live.VIEWS: self.views_id, bell.STREAM: self.bell_id}
        for name, entries in self.redis.xread(wanted, count=READ_AT_ONCE) or []:
            for ident, fields in entries:
                if name == live.VIEWS:
                    self.views_id = ident
                    self._look(fields)
                elif name == bell.STREAM:
                    self.bell_id = ident
                    self.belfry.hear(order(ident), fields)
                else:
                    self.last_id = ident
                    self._apply(ident, fields)
        self.belfry.ring()

    def load(self) -> None:
        """Takes in the whole picture, and since when the feed can tell what changed."""
        while (epoch := self.redis.get(live.EPOCH)) is None:
            gevent.sleep(0.25)
        self.epoch = epoch
        newest = self.redis.xrevrange(live.STREAM, count=1)
        start = newest[0][0] if newest else "0-0"
        views = self.redis.xrevrange(live.VIEWS, count=1)
        self.views_id = views[0][0] if views else "0-0"
        self._learn_rings()
        self.cards.clear()
        self.in_cell.clear()
        self.gone.clear()
        self.waiting.clear()
        for kind in live.SHELVES:
            for key, text in self.redis.hgetall(live.shelf(kind)).items():
                body = packing.decode(text)
                self._place(Entry(kind, key, body["org_path"], body["card"], (0, 0)))
        self.last_id = start
        self._learn_ids(start)
        self.auth_epoch = str(self.redis.get(live.AUTH_EPOCH))
        self.away, self.loaded = False, True
        self.ready.set()
        for group in self.groups.values():
            group.forget()
            for viewer in list(group.viewers):
                self.greet(viewer)

    def _learn_ids(self, newest: str) -> None:
        """Which card changed when, from the feed's own history, so that a viewer resumes across our restart."""
        first = self.redis.xrange(live.STREAM, count=1)
        self.floor = order(first[0][0]) if first else order(newest)
        after = "-"
        while entries := self.redis.xrange(live.STREAM, min=after, max=newest, count=2000):
            for ident, fields in entries:
                key = (fields["kind"], fields["key"])
                if entry := self.cards.get(key):
                    entry.ident = order(ident)
                elif fields["kind"] in live.SHELVES:
                    body = packing.decode(fields["body"])
                    lost = Entry(*key, body["org_path"], body["card"] or {}, order(ident))
                    self.gone[key] = Gone(lost, order(ident), time.monotonic())
            after = f"({entries[-1][0]}"
            gevent.sleep(0)

    def _learn_rings(self) -> None:
        """The newest rings, so that phones resume across our restart."""
        newest = self.redis.xrevrange(bell.STREAM, count=bell.KEPT_RINGS)
        self.bell_id = newest[0][0] if newest else "0-0"
        self.belfry.learn([(order(ident), fields) for ident, fields in reversed(newest)])

    # -- changes -------------------------------------------------------------------------------------------------

    def _apply(self, ident: str, fields: dict[str, str]) -> None:
        kind, key = fields["kind"], fields["key"]
        if kind == live.REDRAWN:
            self._compare(key, ident)
            return
        body = packing.decode(fields["body"])
        if kind == "clock":
            self.clocks.append(Entry(kind, key, body["org_path"], body["card"], order(ident)))
        else:
            self._change((kind, key), body["org_path"], body["card"], order(ident))

    def _change(
        self, key: tuple[str, str], org_path: str, card: dict[str, Any] | None, ident: tuple[int, int]
    ) -> None:
        old = self.cards.get(key)
        new = None if card is None else Entry(*key, org_path, card, ident)
        if old is not None:
            self._unplace(old)
            if new is None:
                self.gone[key] = Gone(old, ident, time.monotonic())
        if new is not None:
            self.gone.pop(key, None)
            self._place(new)
        if old is None and new is None:
            return
        waiting = self.waiting.get(key)
        before = waiting.old if waiting else old
        rest = waiting.whole if waiting else False
        self.waiting[key] = Change(before, new, rest or differs(old, new, PLACE), ident)

    def _place(self, entry: Entry) -> None:
        self.cards[(entry.kind, entry.key)] = entry
        if entry.kind == "surveyor":
            entry.number = self.numbers.setdefault(entry.key, len(self.numbers) + 1)
        if (cell := entry.cell) is not None:
            self.in_cell[cell].add((entry.kind, entry.key))

    def _unplace(self, entry: Entry) -> None:
        self.cards.pop((entry.kind, entry.key), None)
        if (cell := entry.cell) is not None:
            self.in_cell[cell].discard((entry.kind, entry.key))

    def _compare(self, kind: str, ident: str) -> None:
        """The sweeper laid a kind anew: what differs from our picture is told, what is missing there is gone."""
        shelf = self.redis.hgetall(live.shelf(kind))
        for n, (key, text) in enumerate(shelf.items()):
            body = packing.decode(text)
            old = self.cards.get((kind, key))
            entry = Entry(kind, key, body["org_path"], body["card"], order(ident))
            if (
                old is None
                or old.org_path != entry.org_path
                or (differs(old, entry, AGES) and not older(entry, old))
            ):
                self._change((kind, key), entry.org_path, entry.card, entry.ident)
            if n % 500 == 499:
                gevent.sleep(0)  # ten thousand cards must not hold up everybody's second
        for key in [k for k in self.cards if k[0] == kind and k[1] not in shelf]:
            self._change(key, self.cards[key].org_path, None, order(ident))

    # -- telling -------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Tells everybody what changed in this second."""
        changes, self.waiting = self.waiting, {}
        clocks, self.clocks = self.clocks, []
        now_s = time.time()
        for key, group in list(self.groups.items()):
            if not group.viewers:
                del self.groups[key]
                continue
            group.tell(changes, clocks, now_s, self.tag(group))
            gevent.sleep(0)
        ended = time.monotonic() - KEEP_GONE_S
        if old := [key for key, gone in self.gone.items() if gone.at < ended]:
            self.floor = max(self.floor, *(self.gone.pop(key).ident for key in old))

    def tag(self, group: Group) -> str:
        """The event id: where the feed stands, and for packed moves whose numbers they use."""
        return f"{self.last_id}/{self.boot}" if group.packed else self.last_id

    def join(self, viewer: Viewer, scope: Scope) -> None:
        """Puts a viewer among those who may see the same."""
        self.leave(viewer)
        key = (scope, viewer.packed, None if viewer.packed else viewer.box)
        if key not in self.groups:
            self.groups[key] = Group(scope, viewer.packed, None if viewer.packed else viewer.box)
        viewer.group = self.groups[key]
        viewer.group.viewers.add(viewer)
        self.by_key[viewer.key] = viewer

    def leave(self, viewer: Viewer) -> None:
        """Takes a viewer out."""
        if viewer.group is not None:
            viewer.group.viewers.discard(viewer)
        self.by_key.pop(viewer.key, None)

    def greet(self, viewer: Viewer) -> None:
        """Everything the viewer may see now; what waited for him is part of it."""
        group = viewer.group
        if group is not None and self.loaded:
            picture = group.picture(self.cards.values(), self.last_id)
            viewer.restart(group.snapshot(viewer, picture, self.tag(group)))
            viewer.known = order(self.last_id)
        if self.away:
            viewer.push(packing.event("stale", packing.encode({"since": packing.stamp()})))

    def resume(self, viewer: Viewer, since: str) -> bool:
        """Queues what happened after `since`; False when we cannot tell or telling costs more than a picture."""
        ident, _, boot = since.partition("/")
        group = viewer.group
        if group is None or self.away or (group.packed and boot != self.boot):
            return False
        try:
            after = order(ident)
        except ValueError:
            return False
        if after < self.floor or after > order(self.last_id):
            return False
        changed = {k: Change(None, e, True, e.ident) for k, e in self.cards.items() if e.ident > after}
        changed |= {
            k: Change(gone.entry, None, True, gone.ident)
            for k, gone in self.gone.items()
            if gone.ident > after
        }
        if len(changed) > 1000 and len(changed) * 4 > len(self.cards):
            return False
        hello = packing.encode({"stream": viewer.key, "server_time": packing.stamp()})
        # Its id is where he is: should the line break before what follows, he asks for that again.
        viewer.push(packing.event("resumed", hello, since))
        viewer.known = order(self.last_id)
        if told := group.message(changed, [], time.time(), self.tag(group), viewer.cells):
            viewer.push(told)
        return True

    def _look(self, fields: dict[str, str]) -> None:
        """A viewer looks elsewhere: cells new to him are told whole, the rest he has."""
        viewer = self.by_key.get(fields["key"])
        box = packing.read_box(fields["box"])
        if viewer is None or viewer.group is None or not viewer.packed or box is None:
            return
        before, viewer.cells = viewer.cells, packing.cells_of(box)
        if before is None or viewer.cells == before:
            fresh: set[Cell] = set()
        else:
            fresh = {c for c in (self.in_cell if viewer.cells is None else viewer.cells) if c not in before}
        now_s = time.time()
        cells = []
        for cell in sorted(fresh):
            there = (self.cards[key] for key in self.in_cell.get(cell, ()))
            seen = [
                packing.move(e.number, cell, e.card["position"], now_s) for e in there if viewer.group.sees(e)
            ]
            cells.append(packing.fragment(cell, seen))
        viewer.push(packing.view(now_s, box, cells))


def differs(old: Entry | None, new: Entry | None, ignored: frozenset[str]) -> bool:
    """Whether more changed than the ignored fields, or the place appeared or went."""
    if old is None or new is None or old.org_path != new.org_path:
        return True
    if bool(old.card.get("position")) != bool(new.card.get("position")):
        return True
    return any(value != old.card.get(name) for name, value in new.card.items() if name not in ignored)


def older(entry: Entry, than: Entry) -> bool:
    """Whether a card of a redraw was read before a change that we already know."""
    when: Callable[[dict[str, Any]], str] = (
        (lambda card: (card["position"] or {}).get("fixed_at") or "")
        if entry.kind == "surveyor"
        else (lambda card: card.get("state_since") or "")
    )
    ours, theirs = when(than.card), when(entry.card)
    return bool(theirs) and theirs < ours
