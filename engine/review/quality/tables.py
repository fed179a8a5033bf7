"""The tables of the quality page, each a string of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from engine.review.markup import number
from engine.review.quality.confusion import BACKGROUND, Confusion
from engine.review.quality.holes import HoleFidelity
from engine.review.quality.measure import Quality

TABLE_STYLE = """
table.wide{width:100%}th.n{text-align:right}
table.confusion td{min-width:3.2rem;text-align:center;padding:.35rem .5rem;border:1px solid var(--line)}
table.confusion th{padding:.3rem .6rem;border:0;font-weight:500}table.confusion td.hit{font-weight:650}
.scroll{overflow-x:auto}
"""


def precision_table(quality: Quality) -> str:
    """Average precision, of all objects and by size."""
    of = "box" if quality.boxes_only else "mask"
    kinds = ("box",) if quality.boxes_only else ("mask", "box")
    heads = "".join(f"<th class=n>{kind} AP<th class=n>{kind} AP50" for kind in kinds)
    e = quality.evaluation
    rows = {"all objects": (e.instances, {m: getattr(e, m) for k in kinds for m in (f"{k}_ap", f"{k}_ap50")})}
    sizes = {"small": "small, up to 32 × 32 pixels", "medium": "medium", "large": "large, from 96 × 96 pixels"}
    rows |= {sizes[name]: (size.n, size.figures) for name, size in quality.by_size.items()}
    lines = [f"<table><tr><th>By {of} size<th class=n>objects{heads}"]
    for name, (n, figures) in rows.items():
        cells = "".join(f"<td class=n>{number(figures[m])}" for k in kinds for m in (f"{k}_ap", f"{k}_ap50"))
        lines.append(f"<tr><td>{name}<td class=n>{n}{cells}")
    return "".join([*lines, "</table>"])


def class_table(quality: Quality) -> str:
    """A row for each class."""
    of = "box" if quality.boxes_only else "mask"
    heads = ("objects", f"{of} AP", f"{of} AP50", "best score", "F1 there", "right", "wrong", "missed")
    lines = ["<table><tr><th>Class" + "".join(f"<th class=n>{h}" for h in heads)]
    for row in quality.classes:
        figures = quality.evaluation.per_class[row.category.name]
        best = row.curve.best or (None, None)
        cells = (
            str(row.curve.instances),
            number(figures[f"{of}_ap"]),
            number(figures[f"{of}_ap50"]),
            number(best[0], 2),
            number(best[1], 2),
            *(str(n) for n in (row.counts.tp, row.counts.fp, row.counts.fn)),
        )
        lines.append(f"<tr><td>{escape(row.category.name)}" + "".join(f"<td class=n>{c}" for c in cells))
    return "".join([*lines, "</table>"])


def confusion_table(confusion: Confusion) -> str:
    """The matrix; a cell is the darker the larger its share of its row."""
    names = [*confusion.names, BACKGROUND]
    totals = np.maximum(confusion.counts.sum(axis=1), 1)
    lines = [f"<div class=scroll><table class=confusion><tr><th><th colspan={len(names)}>the network says"]
    lines.append("<tr><th>a person says" + "".join(f"<th>{escape(n)}" for n in names))
    for row, name in enumerate(names):
        lines.append(f"<tr><th>{escape(name)}")
        for column in range(len(names)):
            count, hit = int(confusion.counts[row, column]), "hit" if row == column else ""
            shade = 0.6 * count / int(totals[row])
            color = "47 111 237" if row == column else "214 94 0"
            text = "" if row == column == len(names) - 1 else str(count or "·")
            lines.append(f'<td class="{hit}" style="background:rgb({color}/{shade:.2f})">{text}')
    return "".join([*lines, "</table></div>"])


def hole_table(holes: HoleFidelity) -> str:
    """Holes of found objects by what became of them."""
    rows = (
        ("there (IoU 0.5 and above)", holes.kept),
        ("there, but not exact", holes.inexact),
        ("filled", holes.filled),
        ("false: predicted where there is none", holes.false),
    )
    body = "".join(f"<tr><td>{name}<td class=n>{n}" for name, n in rows)
    return f"<table><tr><th>Holes of found objects<th class=n>holes{body}</table>"


def reason_table(counts: Mapping[str, int], titles: Mapping[str, str], meanings: Mapping[str, str]) -> str:
    """How often each reason was met, the most frequent first; reasons that were not met are left out."""
    ranked = sorted((name for name in titles if counts[name]), key=lambda name: -counts[name])
    rows = (f"<tr><td>{titles[name]}<td class=n>{counts[name]}<td class=dim>{meanings[name]}" for name in ranked)
    return "<table>" + "".join(rows) + "</table>"
