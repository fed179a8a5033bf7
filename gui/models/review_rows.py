"""What the queue lists of one image, in words: groups, then whatever else was predicted there or missed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.project.records import Decision, Verdict
from engine.review.overlaps import Group, Member
from gui.models.instance_list import ListRow
from gui.models.review_items import DECIDED, ImageFacts, QueueItem, Seen

GROUP_CHIPS = {"same-object": "group", "part-of": "part of", "duplicate": "twice"}
MAX_NAMES = 3


@dataclass(frozen=True)
class Light:
    """In which light the facts are read.

    Attributes:
        name: the name of a category.
        threshold: only predictions from this score on count.
        decisions: what was decided, by prediction.
    """

    name: Callable[[int], str]
    threshold: float
    decisions: Mapping[int, Decision]

    def verdict(self, prediction_id: int | str) -> Verdict | None:
        """What was decided about a prediction, None when nothing was."""
        decision = self.decisions.get(int(prediction_id))
        return decision.verdict if decision is not None else None


def items_of(facts: ImageFacts, light: Light) -> list[QueueItem]:
    """Lines of the queue for one image."""
    shown = [g for g in facts.groups if g.keeper.score >= light.threshold]
    grouped = {m.key for g in shown for m in members_of(g)}
    items = [_group_item(facts, group, light) for group in shown]
    alone = [s for s in facts.seen if s.score >= light.threshold and s.id not in grouped]
    missed = () if facts.done else facts.missed(light.threshold)
    if alone or missed or not shown:
        items.append(_image_item(facts, alone, missed, light))
    return items


def members_of(group: Group) -> tuple[Member, ...]:
    """All of a group, the suggested one first."""
    return group.keeper, *group.others


def importance(item: QueueItem) -> tuple[object, ...]:
    """Open before settled; groups, then what contradicts a label, then the rest; close calls or most to decide first.

    A key for sorting, smallest first.
    """
    if item.group is not None:
        close = item.group.keeper.score - max(m.score for m in item.group.others)
        return (item.settled, 0, item.group.kind != "same-object", round(close, 3), item.title)
    kind = 1 if item.disagrees else 2
    return (item.settled, kind, False, -len(item.open) - len(item.missed), item.title)


def row_of(item: QueueItem) -> ListRow:
    """How an item looks in the list."""
    return ListRow(item.key, item.title, detail=item.detail, chip=item.chip, chip_kind=item.chip_kind)


# --- groups -----------------------------------------------------------------------------------------------------------


def _group_item(facts: ImageFacts, group: Group, light: Light) -> QueueItem:
    members = members_of(group)
    ids = tuple(int(m.key) for m in members)
    names = " ↔ ".join(dict.fromkeys(light.name(m.category_id) for m in members))
    scores = "/".join(f"{m.score:.2f}" for m in members)
    detail = f"mask IoU {max(m.iou for m in group.others):.2f}, scores {scores}"
    if group.kind == "part-of":
        detail = f"one inside the other, scores {scores}"
    chip, kind = _chip_of_group(facts, group, light)
    decided = all(light.verdict(i) in DECIDED for i in ids)
    return QueueItem(
        f"g{ids[0]}-{ids[1]}", facts.image_id, f"{facts.name} · {names}", detail, chip, kind, group,
        open=() if decided else ids, predictions=ids, image=facts.file, split=facts.split,
        category_ids=frozenset(m.category_id for m in members),
    )  # fmt: skip


def _chip_of_group(facts: ImageFacts, group: Group, light: Light) -> tuple[str, str]:
    members = members_of(group)
    verdicts = [light.verdict(m.key) for m in members]
    if all(v in DECIDED for v in verdicts):
        taken = [m for m, v in zip(members, verdicts, strict=True) if v is not Verdict.REJECTED]
        if not taken:
            return "rejected", "ok"
        return ("both kept" if len(taken) > 1 else f"kept {light.name(taken[0].category_id)}"), "ok"
    if Verdict.UNSURE in verdicts:
        return "unsure", ""
    ids = {int(m.key) for m in members}
    if any(s.labelled for s in facts.seen if s.id in ids):
        return "labelled", ""
    return GROUP_CHIPS[group.kind], "warn"


# --- the rest of an image ---------------------------------------------------------------------------------------------


def _image_item(facts: ImageFacts, alone: Sequence[Seen], missed: Sequence[tuple[str, int]], light: Light) -> QueueItem:
    news = [s for s in alone if light.verdict(s.id) not in DECIDED and not s.agrees]
    opens = () if facts.done else tuple(s.id for s in news)
    contradicts = _contradiction(facts, news, missed)
    title = facts.name
    if opens or missed:
        title = f"{facts.name} · {_plural(len(news) + len(missed), 'object')}"
        detail, chip, kind = _open_words(news, missed, contradicts, light)
    else:
        detail, chip, kind = _settled_words(facts, alone, light)
    return QueueItem(
        f"i{facts.image_id}", facts.image_id, title, detail, chip, kind, open=opens,
        predictions=tuple(s.id for s in alone), missed=tuple(id for id, _ in missed),
        disagrees=bool(contradicts) and not facts.done, image=facts.file, split=facts.split,
        category_ids=frozenset(s.category_id for s in alone) | {category for _, category in facts.labels},
    )  # fmt: skip


def _contradiction(facts: ImageFacts, news: Sequence[Seen], missed: Sequence[object]) -> str:
    """What contradicts a label, the worst first; "" when nothing does."""
    if any(s.labelled for s in news):
        return "class differs"
    if missed:
        return "missed"
    return "spurious" if news and facts.complete else ""


def _open_words(
    news: Sequence[Seen], missed: Sequence[tuple[str, int]], contradicts: str, light: Light
) -> tuple[str, str, str]:
    names = _few([light.name(category) for _, category in missed])
    detail = " · ".join(part for part in (f"not found: {names}" if missed else "", _summary(news, light)) if part)
    if news and not missed and all(light.verdict(s.id) is Verdict.UNSURE for s in news):
        return detail, "unsure", ""
    return (detail, contradicts, "bad") if contradicts else (detail, "new", "accent")


def _settled_words(facts: ImageFacts, alone: Sequence[Seen], light: Light) -> tuple[str, str, str]:
    if not alone:
        return f"nothing at {light.threshold:.2f} or above", "empty", ""
    if any(light.verdict(s.id) in DECIDED for s in alone):
        return _summary(alone, light), "done", "ok"
    return _summary(alone, light), "done" if facts.done else "agrees", "ok"


def _summary(seen: Sequence[Seen], light: Light) -> str:
    return _few([f"{light.name(s.category_id)} {s.score:.2f}" for s in seen])


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:MAX_NAMES]) + (" …" if len(words) > MAX_NAMES else "")


def _plural(count: int, one: str) -> str:
    return f"{count} {one}" + ("" if count == 1 else "s")
