"""The Review room in words: what can be said about an object, why it is here, what was said before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.domain.annotation import Category
from engine.domain.prediction import Prediction
from gui.models.document import Document
from gui.models.instance_list import ListRow
from gui.models.review_items import QueueItem
from gui.models.review_queue import ReviewQueue

MAX_OTHERS = 6
HINT_GROUP = "1–9 keep · B both are right · R none · U unsure · Ctrl+Enter next"
HINT_ONE = "Y accept · R reject · E edit · U unsure · Ctrl+Enter done, next"
HINT_TRUTH = "T back to the verdicts · click an object: how its pixels differ · Y accept · R reject · E edit"


def choices_for(
    item: QueueItem | None, chosen: Sequence[Prediction], categories: Mapping[int, Category], queue: ReviewQueue
) -> list[ListRow]:
    """Rows of the panel, each named by the method that it calls."""
    if item is None or not chosen:
        return []
    if item.group is not None:
        return _group_choices(item, chosen, categories)
    one = chosen[0]
    decision = queue.decision(one.id)
    said = decision.verdict.value if decision is not None else ""
    rows = [
        ListRow("accept", f"accept {_name(one, categories)} {one.score:.2f}", color=_color(one, categories), key="Y",
                chip=said),
        ListRow("reject", "reject, it is wrong", key="R"),
        ListRow("edit", "edit: accept, then correct it", key="E"),
        ListRow("unsure", "unsure, later", key="U"),
    ]  # fmt: skip
    others = [i for i in item.open if i != one.id][:MAX_OTHERS]
    for prediction_id in others:
        seen = queue.seen(item.image_id, prediction_id)
        if seen is not None and seen.category_id in categories:
            category = categories[seen.category_id]
            rows.append(
                ListRow(f"look{seen.id}", f"{category.name} {seen.score:.2f}", color=category.color, detail="next")
            )
    return rows


def _group_choices(item: QueueItem, chosen: Sequence[Prediction], categories: Mapping[int, Category]) -> list[ListRow]:
    by_id = {p.id: p for p in chosen}
    members = [by_id[i] for i in item.predictions if i in by_id]
    rows = [
        ListRow(
            f"keep{number}", f"keep {_name(p, categories)} {p.score:.2f}", color=_color(p, categories),
            key=str(number), chip="suggested" if number == 1 else "", chip_kind="ok" if number == 1 else "",
        )
        for number, p in enumerate(members[:9], start=1)
    ]  # fmt: skip
    part = item.group is not None and item.group.kind == "part-of"
    rows.append(ListRow("both", "both are right (part of)" if part else "both are right", key="B"))
    rows.append(ListRow("reject", "none of them is right", key="R"))
    rows.append(ListRow("unsure", "unsure, later", key="U"))
    return rows


def explain(
    item: QueueItem | None, chosen: Sequence[Prediction], document: Document, queue: ReviewQueue
) -> tuple[str, str]:
    """Why the object is here, and how such ones were decided before."""
    if item is None:
        return "", ""
    if not chosen:
        if item.missed:
            return f"Nothing was predicted on {_labels(len(item.missed))} here. T shows where.", ""
        return ("Nothing to decide here: the labels agree." if item.predictions else "Nothing was found here."), ""
    if item.group is not None:
        name, kept, of = queue.kept_before(item.group)
        habit = f"You kept {name} in {kept} of {of} such pairs." if of else ""
        return item.group.reason, habit
    seen = queue.seen(item.image_id, chosen[0].id)
    if seen is None or not seen.labelled:
        return "No label lies on this object yet.", ""
    if seen.agrees:
        return "A label of this class lies on it already.", ""
    instance = document.annotation.find(seen.labelled) if document.annotation is not None else None
    label = document.category_name(instance.category_id if instance is not None else None)
    return f"It is labelled {label}. Accepting changes its class and keeps its pixels.", ""


def group_tag(item: QueueItem, chosen: Sequence[Prediction], name: Callable[[int], str]) -> str:
    """What stands beside a highlighted group on the canvas; "" for a single prediction."""
    if item.group is None:
        return ""
    by_id = {p.id: p for p in chosen}
    members = [by_id[i] for i in item.predictions if i in by_id]
    first = " · ".join(f"{name(p.category_id)} {p.score:.2f}" for p in members)
    if item.group.kind == "part-of":
        return f"{first}\none inside the other"
    count = {2: "two", 3: "three"}.get(len(members), str(len(members)))
    what = f"predicted {count} times" if item.group.kind == "duplicate" else f"{count} classes"
    return f"{first}\none object, {what} · IoU {max(m.iou for m in item.group.others):.2f}"


def _labels(count: int) -> str:
    return "one label" if count == 1 else f"{count} labels"


def _name(prediction: Prediction, categories: Mapping[int, Category]) -> str:
    category = categories.get(prediction.category_id)
    return category.name if category is not None else "a class that is gone"


def _color(prediction: Prediction, categories: Mapping[int, Category]) -> str:
    category = categories.get(prediction.category_id)
    return category.color if category is not None else ""
