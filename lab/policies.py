"""The policies of others, each written from what its project documents or does, with the source named.

All of them meet the same day, the same people and the same roads as ours. Where a peer leaves something open, it is
filled in its favour: whoever asks one person at a time gets our own offer window, our own order of asking again, and a
dispatcher who notices at once that nobody answers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.fix import LonLat, metres_between
from lab.cast import Case, Mate
from lab.simulate import Sim


@dataclass
class Broadcast:
    """Everybody free within a radius is told at once; the first to accept has the job (FleetOps).

    Source: fleetbase/fleetops, `server/src/Listeners/HandleOrderDispatched.php` (an ad-hoc order pings every driver with
    status `available`, online, within `getAdhocDistance()` of the pickup in a straight line, by the stored location whatever
    its age), `server/src/Models/Order.php` (6,000 m unless set otherwise), `server/src/Console/Commands/
    DispatchAdhocOrders.php` and `server/src/Providers/FleetOpsServiceProvider.php` (every minute the orders without a driver
    that were dispatched four minutes ago or earlier are pinged again to whoever is online in the same radius), and
    `server/src/Http/Controllers/Api/v1/OrderController.php` `startOrder` (the first driver to start an ad-hoc order has it).
    The radius never widens.
    """

    name: str = "broadcast"
    radius_m: float = 6_000.0
    again_after_s: float = 240.0
    every_s: float | None = 60.0
    window_s: float = 0.0

    def decide(self, sim: Sim) -> None:
        """Pings for what has just come in, and again each minute for what nobody took."""
        due = [loss for loss in sim.waiting if sim.cases[loss].due_s <= sim.now]
        # Who is at work cannot take it, pinged or not: only the free are thrown for.
        free = [mate for mate in sim.mates if mate.doing == "idle" and mate.on_duty]
        if not due or not free:
            return
        places = [sim.seen_at(mate.person.no)[0] for mate in free]
        for loss in due:
            case = sim.cases[loss]
            first = case.first_asked_s is None
            case.due_s = case.loss.at_s + self.again_after_s if first else sim.now + 60.0
            open_to = {asked.person for asked in case.asked if asked.outcome == "open"}
            near = [
                mate.person.no
                for mate, far in zip(free, crow_m(sim, places, case), strict=True)
                if far <= self.radius_m and mate.person.no not in open_to and able(mate, case)
            ]
            sim.broadcast(loss, near)


@dataclass
class OneByOne:
    """Reports in order of arrival; for each the best free surveyor is asked, then the next. `max_age_s`: of a position."""

    name: str = ""
    ttl_s: float = 90.0
    max_age_s: float = 120.0
    every_s: float | None = 15.0
    window_s: float = 0.0

    def decide(self, sim: Sim) -> None:
        """Asks for each waiting claim in turn while anybody is free."""
        free = self._free(sim)
        for loss in list(sim.waiting):
            if not free:
                return
            case = sim.cases[loss]
            declined, silent = case.asked_now("declined"), case.asked_now("expired")
            fit = [one for one in free if one.mate.person.no not in declined and able(one.mate, case)]
            # Those who let an offer run out only when nobody else is left.
            fit = [one for one in fit if one.mate.person.no not in silent] or fit
            if fit:
                chosen = self.first(sim, case, fit)
                sim.offer(loss, chosen.mate.person.no, self.ttl_s)
                free.remove(chosen)

    def first(self, sim: Sim, case: Case, fit: list["Free"]) -> "Free":
        """Whom to ask."""
        raise NotImplementedError

    def _free(self, sim: Sim) -> list["Free"]:
        found = []
        for mate in sim.mates:
            if mate.doing == "idle" and mate.question is None and mate.on_duty:
                place, age_s = sim.seen_at(mate.person.no)
                if age_s <= self.max_age_s:
                    found.append(Free(mate, place))
        return found


@dataclass(frozen=True)
class Free:
    """Somebody who may be asked, and where he is believed to be."""

    mate: Mate
    place: int | LonLat


@dataclass
class Nearest(OneByOne):
    """The free surveyor nearest in a straight line, as the first version of this project and most others choose.

    With our own freshness rule and offer window, so that only the choice differs.
    """

    name: str = "nearest"

    def first(self, sim: Sim, case: Case, fit: list[Free]) -> Free:
        """By metres in a straight line."""
        return fit[int(np.argmin(crow_m(sim, [one.place for one in fit], case)))]


@dataclass
class TopFive(OneByOne):
    """The five nearest in a straight line, re-ranked by road time, by positions up to half an hour old (Resgrid).

    Source: Resgrid/Core, `Core/Resgrid.Services/DispatchRecommendationService.cs`
    (`FillUnitRequirementByProximityAsync`: available units, fixes older than the limit left out, haversine order, the first
    `EtaShortlistSize` re-ranked by routed time, the rest behind them) and `Core/Resgrid.Model/
    DispatchRecommendationConfig.cs` (`DefaultMaxLocationAgeSeconds` 1800, `DefaultEtaShortlistSize` 5). Routed times are off
    by default there; the lab turns them on. Resgrid knows no offer that runs out: the lab gives it ours.
    """

    name: str = "top_five"
    max_age_s: float = 1_800.0
    shortlist: int = 5

    def first(self, sim: Sim, case: Case, fit: list[Free]) -> Free:
        """The soonest by road among the nearest five."""
        far = crow_m(sim, [one.place for one in fit], case)
        short = [fit[int(i)] for i in np.argsort(far, kind="stable")[: self.shortlist]]
        return min(short, key=lambda one: road_s(sim, one.place, case))


def able(mate: Mate, case: Case) -> bool:
    """Able to do the job."""
    return set(case.loss.needs) <= mate.person.skills


def crow_m(sim: Sim, places: list[int | LonLat], case: Case) -> NDArray[np.float64]:
    """Metres in a straight line from where people are believed to be."""
    loss = sim.day.places[case.loss.place]
    known = np.array([-1 if isinstance(place, LonLat) else place for place in places], dtype=np.int64)
    far: NDArray[np.float64] = sim.day.straight_m[known, case.loss.no].astype(np.float64)
    for i in np.flatnonzero(known < 0):
        place = places[int(i)]
        if isinstance(place, LonLat):
            far[i] = metres_between(place, loss)
    return far


def road_s(sim: Sim, place: int | LonLat, case: Case) -> float:
    """Seconds by the map's roads from where somebody is believed to be."""
    if isinstance(place, LonLat):
        spots = sim.day.net.spots([place])
        free_flow = sim.day.net.matrix(spots, [sim.day.spots[case.loss.place]], true=False)[0, 0]
    else:
        free_flow = sim.day.known_s[place, case.loss.no]
    return float(free_flow) * sim.day.slow(sim.now)
