"""The report of played days: one HTML file that needs nothing else, in Chinese and English, every figure marked simulated."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from lab import charts, measure
from lab.bound import Bound
from lab.measure import Figures, Waited
from lab.simulate import Sim

NAMES = {
    "ours": "本系统 Chakan",
    "nearest": "直线最近 nearest in a straight line",
    "top_five": "前五按路程重排 top five by road",
    "broadcast": "六公里内群发抢单 broadcast within 6 km",
    "all_seeing": "全知当下 all-seeing now",
    "before": "现行规则 rules in force",
    "after": "试算规则 rules tried",
    "recorded": "实际记录 as recorded",
}
REASONS = {
    "nobody_free": "无人可派 nobody free",
    "silent_phone": "派单无应答 nobody answered the offer",
    "unreached_phone": "派单未送达 asked a phone that could not be reached",
    "declined": "被拒单 declined",
    "behind_another_job": "排在另一案件之后 behind another job",
    "long_drive": "路程远 a long drive",
}
ROWS: tuple[tuple[str, str, str, float], ...] = (
    ("contact_kept", "10 分钟内首次联系 first contact within 10 min", "%", 100),
    ("arrive_kept", "30 分钟内到达 arrival within 30 min", "%", 100),
    ("arrive_mean", "平均到达 mean time to arrive", "min", 1),
    ("arrive_p50", "到达中位数 median", "min", 1),
    ("arrive_p90", "P90", "min", 1),
    ("arrive_p99", "P99", "min", 1),
    ("drive_mean", "平均路上 mean drive", "min", 1),
    ("km_per_claim", "每案行驶 driven per claim", "km", 1),
    ("asked_per_claim", "每案派单次数 asked per claim", "", 1),
    ("gini", "工作量基尼系数 fairness (Gini, 0 = equal)", "", 1),
    ("switches", "改派次数 reassigned", "", 1),
)
STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--line:#d8dee6;--ground:#fff;--card:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf2;--soft:#9aa7b5;--line:#364150;--ground:#12171d;--card:#1a212a}}
body{font:15px/1.6 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;color:var(--ink);
background:var(--ground);margin:0 auto;padding:28px;max-width:1240px}
h1{font-size:24px;margin:0}h2{font-size:17px;margin:26px 0 8px}p{margin:6px 0;color:var(--soft)}
.badge{display:inline-block;background:#b45309;color:#fff;border-radius:6px;padding:2px 10px;font-weight:600;margin-left:10px;
font-size:14px}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:18px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px}
table{border-collapse:collapse;width:100%;font-size:14px}
td,th{padding:5px 10px;border-bottom:1px solid var(--line);text-align:right}
td:first-child,th:first-child{text-align:left}.wide{overflow-x:auto}
svg{width:100%;height:auto;display:block}.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;color:var(--soft)}
.legend svg{width:30px;display:inline-block}.tick{font-size:11px;fill:var(--soft)}.name{font-size:12px;fill:var(--ink)}
.slim svg{max-width:860px}
@media(max-width:600px){body{padding:16px}.card{padding:12px 8px;min-width:0}.tick{font-size:15px}.name{font-size:19px}
.wide td:not(:first-child){white-space:nowrap}.wide th{min-width:76px}.wide td:first-child{min-width:120px}}
.grid{stroke:var(--line)}.mark{stroke:#dc2626;stroke-dasharray:4 3}.whisker{stroke:var(--ink);stroke-width:2}
"""


@dataclass(frozen=True)
class Played:
    """One policy over its days."""

    name: str
    figures: tuple[Figures, ...]
    contact_min: tuple[float, ...]
    arrive_min: tuple[float, ...]
    rates: tuple[float, ...]
    waited: tuple[Waited, ...]
    reasons: Mapping[str, int]

    @classmethod
    def of(
        cls, name: str, sims: Sequence[Sim], bounds: Sequence[Bound | None], report_nos: Sequence[str] = ()
    ) -> "Played":
        """From its runs, one a seed. `report_nos`: of a day that was, the number of each claim."""
        waited = sorted(
            (one for sim in sims for one in measure.waited_longest(sim)),
            key=lambda one: -(one.arrive_min if one.arrive_min is not None else 1e9),
        )
        reasons = sum((measure.reasons(sim) for sim in sims), start=Counter[str]())
        return cls(
            name,
            tuple(measure.figures(sim, bound) for sim, bound in zip(sims, bounds, strict=True)),
            tuple(float(v) for sim in sims for v in measure.minutes(sim, "contacted_s")),
            tuple(float(v) for sim in sims for v in measure.minutes(sim, "arrived_s")),
            tuple(float(v) for sim in sims for v in measure.job_rates(sim)),
            tuple(replace(one, report_no=report_nos[one.no]) if report_nos else one for one in waited[:20]),
            dict(reasons),
        )

    def estimate(self, key: str) -> measure.Estimate:
        """A figure over the days."""
        return measure.estimate([float(getattr(one, key)) for one in self.figures])

    def row(self) -> dict[str, Any]:
        """For JSON: each figure with its interval, and the days one by one."""
        found = {key: self.estimate(key) for key, *_ in ROWS}
        return {
            "policy": self.name,
            "simulated": True,
            **{key: {"mean": one.mean, "low": one.low, "high": one.high} for key, one in found.items()},
            "late_reasons": dict(self.reasons),
            "days": [one.row() for one in self.figures],
        }


def html(title: str, facts: Sequence[str], played: Sequence[Played]) -> str:
    """The whole page."""
    bounds = [one.bound_mean for one in played[0].figures if one.bound_mean is not None]
    bound = float(np.mean(bounds)) if bounds else None
    parts = [
        f"<h1>{escape(title)}<span class='badge'>模拟 SIMULATED</span></h1>",
        "".join(f"<p>{escape(fact)}</p>" for fact in facts),
        _section("结果 Figures", _table(played, bound)),
        _section("平均到达（分钟，95 % 区间） Mean time to arrive, 95 % interval", _means(played, bound)),
        "<div class='grid2'>",
        _card("首次联系 First contact", _contact(played)),
        _card("到达 Arrival", _arrival(played)),
        _card("每小时在岗完成案件 Jobs done per hour on duty", _rates(played)),
        _card("晚到 30 分钟以上的原因 Why later than 30 minutes", _why(played)),
        "</div>",
        _section("等得最久的案件 Who waited longest, and why", _longest(played)),
    ]
    return (
        "<!doctype html><html lang='zh-CN'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{escape(title)} · 模拟 simulated</title><style>{STYLE}</style><body>{''.join(parts)}</body></html>"
    )


def _table(played: Sequence[Played], bound: float | None) -> str:
    head = "".join(f"<th>{escape(NAMES.get(one.name, one.name))}</th>" for one in played)
    rows = []
    for key, label, unit, scale in ROWS:
        cells = "".join(f"<td>{_cell(one, key, unit, scale)}</td>" for one in played)
        rows.append(f"<tr><td>{escape(label)}</td>{cells}</tr>")
    served = "".join(
        f"<td>{sum(f.served for f in one.figures)} / {sum(f.claims for f in one.figures)}</td>"
        for one in played
    )
    rows.append(f"<tr><td>已到达 / 报案 reached / reported</td>{served}</tr>")
    if bound is not None:
        note = "先知下界 clairvoyant bound: "
        cells = "".join(
            f"<td>+{(one.estimate('arrive_mean').mean / bound - 1) * 100:.0f} %</td>" for one in played
        )
        rows.append(f"<tr><td>{note}{bound:.2f} min · 差距 gap</td>{cells}</tr>")
    return f"<div class='wide'><table><tr><th></th>{head}</tr>{''.join(rows)}</table></div>"


def _cell(one: Played, key: str, unit: str, scale: float) -> str:
    found = one.estimate(key)
    if not np.isfinite(found.mean):
        return "—"
    half = (found.high - found.low) / 2 * scale
    wide = f" <small>± {half:.2f}</small>" if len(one.figures) > 2 else ""
    return f"{found.mean * scale:.2f}{wide} {unit}"


def _means(played: Sequence[Played], bound: float | None) -> str:
    rows = []
    for one in played:
        found = one.estimate("arrive_mean")
        rows.append((NAMES.get(one.name, one.name).split(" ")[0], found.mean, found.low, found.high))
    drawn = charts.bars(rows, unit="min", mark=bound, mark_label="先知下界 bound" if bound else "")
    return f"<div class='slim'>{drawn}</div>"


def _contact(played: Sequence[Played]) -> str:
    series = {NAMES.get(one.name, one.name): one.contact_min for one in played}
    return charts.shares(series, most=20, x_label="分钟 minutes", mark=measure.CONTACT_MIN, mark_label="10")


def _arrival(played: Sequence[Played]) -> str:
    series = {NAMES.get(one.name, one.name): one.arrive_min for one in played}
    return charts.shares(series, most=60, x_label="分钟 minutes", mark=measure.ARRIVE_MIN, mark_label="30")


def _rates(played: Sequence[Played]) -> str:
    return charts.columns(
        {NAMES.get(one.name, one.name): one.rates for one in played}, x_label="件/小时 jobs an hour"
    )


def _why(played: Sequence[Played]) -> str:
    head = "".join(f"<th>{escape(NAMES.get(one.name, one.name))}</th>" for one in played)
    rows = "".join(
        f"<tr><td>{escape(label)}</td>{''.join(f'<td>{one.reasons.get(key, 0)}</td>' for one in played)}</tr>"
        for key, label in REASONS.items()
    )
    return f"<div class='wide'><table><tr><th></th>{head}</tr>{rows}</table></div>"


def _longest(played: Sequence[Played]) -> str:
    rows = []
    for one in played:
        for waited in one.waited[:6]:
            parts = " · ".join(
                f"{REASONS[key]} {value:.0f}" for key, value in waited.parts_min.items() if value > 0.5
            )
            arrive = "—" if waited.arrive_min is None else f"{waited.arrive_min:.0f}"
            rows.append(
                f"<tr><td>{escape(NAMES.get(one.name, one.name))}</td><td>{_at(waited)}</td>"
                f"<td>{arrive} min</td><td>{escape(REASONS[waited.reason])}</td><td>{escape(parts)}</td></tr>"
            )
    names = ("策略 policy", "报案 reported", "到达 arrival", "原因 why", "分段（分钟） minutes")
    head = f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
    return f"<div class='wide'><table>{head}{''.join(rows)}</table></div>"


def _at(waited: Waited) -> str:
    """The time on the wall, with the day of a run over several, and the claim's number where it has one."""
    minute = round(waited.at_h * 60)
    day = f"+{minute // 1_440} " if minute >= 1_440 else ""
    number = f"{escape(waited.report_no)} · " if waited.report_no else ""
    return f"{number}{day}{minute // 60 % 24:02d}:{minute % 60:02d}"


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"


def _card(title: str, body: str) -> str:
    return f"<div class='card'><h2 style='margin-top:0'>{escape(title)}</h2>{body}</div>"
