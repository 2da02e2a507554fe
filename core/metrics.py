"""Prometheus counters and timings shared by the processes; labels are words, never ids."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram("chakan_request_seconds", "Time to answer a request", ["endpoint", "status"])
FIXES = Counter("chakan_fixes_total", "Fixes by verdict: kept or the reason of refusal", ["verdict"])
OFFERS = Counter("chakan_offers_total", "Offers by outcome", ["outcome"])
SWITCHES = Counter(
    "chakan_switches_total", "Jobs taken from somebody for a foreseen breach", ["outcome", "why"]
)
CLOCKS = Counter("chakan_clock_stages_total", "Fired stages of clocks", ["kind", "stage"])
MESSAGES = Counter("chakan_messages_total", "Messages by channel and outcome", ["channel", "outcome"])
OFFER_WAIT = Histogram(
    "chakan_report_to_offer_seconds",
    "From report to its first offer",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60),
)
SWEEP = Histogram("chakan_sweep_seconds", "One round of the sweeper")
EVENTS = Counter("chakan_events_total", "Events told to their listeners, by name", ["event"])
RINGS = Counter("chakan_rings_total", "Phones told to look again, by what changed", ["what"])
# The newest word counts: with "max" a process that died during an outage would report its worst moment for ever.
LAG = Gauge(
    "chakan_lag_seconds", "Age of the oldest duty that is overdue", ["duty"], multiprocess_mode="mostrecent"
)
BELLS = Gauge("chakan_bells_open", "Phones that listen at the stream process", multiprocess_mode="mostrecent")
PARKED = Gauge(
    "chakan_parked_deliveries", "Duties given up after too many tries", multiprocess_mode="mostrecent"
)
DAYS_AHEAD = Gauge(
    "chakan_position_days_ahead",
    "Days to come that have a table for positions; the sweeper keeps eight",
    multiprocess_mode="mostrecent",
)
