"""The page of `chakan bench eta`: errors, coverage by age, and the reliability plot. One file, no network."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.left import Left
from geo.roads.learning import Errors

SIDE, PAD = 360, 48


class Ages(NamedTuple):
    """Coverage of the 80 % interval: held out, with the numbers in force, by age; and the reliability of promises."""

    covered: float
    shipped: float
    buckets: list[tuple[int, int, float]]
    reliability: list[tuple[float, float, int]]


STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#16222b;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .8rem;text-align:right;border-bottom:1px solid #d5dce1}
th:first-child,td:first-child{text-align:left}figure{margin:1rem 0}.off{color:#b3261e}.muted{color:#5d6b77}
@media(prefers-color-scheme:dark){body{background:#10181d;color:#e8eef2}th,td{border-color:#33424c}svg{--ink:#e8eef2}}
"""


def rows(errors: dict[str, Errors]) -> list[tuple[str, ...]]:
    """A line of text for each way of telling."""
    return [
        (
            name,
            str(e.journeys),
            f"{e.median:.1%}",
            f"{e.p90:.1%}",
            f"{e.bias - 1:+.1%}",
            f"{e.median_s:.0f} s",
            f"{e.p90_s:.0f} s",
        )
        for name, e in errors.items()
    ]


HEAD = ("told by", "journeys", "median error", "P90", "bias of the median", "median error", "P90")
PART_HEAD = ("journeys", "count", "median error", "bias of the median")
AGE_HEAD = ("age of the position", "positions", "inside the 80 % interval")


def parts(remains: Left) -> list[tuple[str, ...]]:
    """A line of text for each kind of journey."""
    return [(name, str(count), f"{off:.1%}", f"{bias - 1:+.1%}") for name, count, off, bias in remains.parts]


def say(errors: dict[str, Errors], ages: Ages, remains: Left) -> None:
    """The tables as plain text."""
    for row in (HEAD, *rows(errors)):
        print("{:<24}{:>9}{:>14}{:>9}{:>20}{:>14}{:>9}".format(*row))
    for line in (PART_HEAD, *parts(remains)):
        print("{:<24}{:>9}{:>14}{:>20}".format(*line))
    for age, count, share in ages.buckets:
        print(f"{age:>4} s old {count:>7} positions {share:7.1%} inside")


def write(
    file: Path, errors: dict[str, Errors], ages: Ages, remains: Left, trips: int, *, quick: bool
) -> None:
    """Writes the page."""
    by_age = [(f"{age} s", str(count), f"{share:.1%}") for age, count, share in ages.buckets]
    part = " (quick run: every other one)" if quick else ""
    body = f"""<h1>Drive times</h1>
<p>{trips} real taxi trips, Porto, 1 July 2013, 00:00–10:35 UTC{part}. Each fifth of the taxis is judged by speeds and
an age model learned from the other four fifths. A journey is a drive of two minutes and half a kilometre at least; it is direct
when it is no longer than one and a half times its route.</p>
{_table(HEAD, rows(errors))}
<h2>What is left</h2>
<p>Learned speeds by kind of journey. Had the roads really driven been known, the median error would be
{remains.known:.1%}; two taxis between the same two places within two hours ({remains.pairs} pairs) differ so much that
whoever knew the mean of all drives there would still be off by {remains.same:.1%}.</p>
{_table(PART_HEAD, parts(remains))}
<h2>Old positions</h2>
<p>A fix of some age, and where the taxi really was then. The interval said to hold 80 % held
<strong>{ages.covered:.1%}</strong>; with the numbers in force {ages.shipped:.1%}.</p>
{_table(AGE_HEAD, by_age)}
<figure>{_plot(ages.reliability)}<figcaption class="muted">Promises of arrival: how likely we said, and how often it came
true. On the line is honest; the size of a dot is the number of promises.</figcaption></figure>"""
    file.parent.mkdir(parents=True, exist_ok=True)
    head = f'<meta charset="utf-8"><title>Drive times</title><style>{STYLE}</style>'
    file.write_text(f'<!doctype html><html lang="en">{head}<body>{body}</body></html>', encoding="utf-8")


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{cell}</th>" for cell in head)
    return (
        f"<table><tr>{top}</tr>"
        + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in lines)
        + "</table>"
    )


def _plot(points: list[tuple[float, float, int]]) -> str:
    """Said against came true, 0 to 1, with the diagonal."""
    ink = "var(--ink,#16222b)"
    whole = SIDE + 2 * PAD

    def at(said: float, kept: float) -> tuple[float, float]:
        return PAD + said * SIDE, PAD + (1 - kept) * SIDE

    marks = []
    for tenth in range(0, 11, 2):
        x, y = at(tenth / 10, tenth / 10)
        low = PAD + SIDE
        marks.append(f'<path d="M{x:.0f} {low}v5M{PAD} {y:.0f}h-5" stroke="{ink}"/>')
        marks.append(f'<text x="{x:.0f}" y="{low + 20}" text-anchor="middle">{tenth * 10}%</text>')
        marks.append(f'<text x="{PAD - 9}" y="{y + 5:.0f}" text-anchor="end">{tenth * 10}%</text>')
    most = max((count for *_, count in points), default=1)
    line = " ".join("{:.1f},{:.1f}".format(*at(said, kept)) for said, kept, _ in points)
    dots = "".join(
        f'<circle cx="{at(said, kept)[0]:.1f}" cy="{at(said, kept)[1]:.1f}" r="{3 + 7 * (count / most) ** 0.5:.1f}"'
        f' fill="#00599c" fill-opacity=".8"><title>said {said:.0%}, came true {kept:.0%}, {count} promises</title></circle>'
        for said, kept, count in points
    )
    return f"""<svg role="img" aria-label="Reliability plot" width="{whole}" height="{whole}" fill="{ink}" font-size="13">
<rect x="{PAD}" y="{PAD}" width="{SIDE}" height="{SIDE}" fill="none" stroke="{ink}" stroke-opacity=".3"/>
<path d="M{PAD} {PAD + SIDE}L{PAD + SIDE} {PAD}" stroke="{ink}" stroke-dasharray="4 4" stroke-opacity=".6"/>
<polyline points="{line}" fill="none" stroke="#00599c" stroke-width="1.5"/>{dots}{"".join(marks)}
<text x="{PAD + SIDE / 2}" y="{whole - 6}" text-anchor="middle">said</text>
<text transform="translate(12 {PAD + SIDE / 2}) rotate(-90)" text-anchor="middle">came true</text></svg>"""
