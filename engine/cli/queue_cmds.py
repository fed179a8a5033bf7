"""Commands that say what to look at next, and what changed from run to run: queue, compare, pairs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.output import print_json, say
from engine.domain.annotation import Category, Split
from engine.domain.pair_policy import PairPolicy, PairRule
from engine.errors import UserError
from engine.project.runs import open_run

if TYPE_CHECKING:
    from engine.project.store import ProjectStore

Project = Annotated[Path, typer.Argument(help="Project folder.")]
Run = Annotated[str, typer.Option("--run", help="Run id, or last.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Score = Annotated[float, typer.Option(help="Score from which predictions count.", min=0, max=1)]

_FORGET = "none"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(queue)
    app.command()(compare)
    app.command()(pairs)


def queue(
    project: Project,
    run_id: Run = "last",
    split: Annotated[Split | None, typer.Option(help="Only this split.")] = None,
    limit: Annotated[int, typer.Option(help="Items to show; 0 shows all.", min=0)] = 50,
    score: Score = 0.5,
    as_json: Json = False,
) -> None:
    """What to look at next, the most worthwhile first, each with its reason."""
    from engine.project.store import ProjectStore
    from engine.review.queue import rank
    from engine.review.queue_evidence import evidence_of, knowledge_of

    run = open_run(project, run_id)
    with ProjectStore.open(project, read_only=True) as store:
        known = knowledge_of(store, run)
        found = rank(evidence_of(store, run, known, split), known, threshold=score)
    shown = found[:limit] if limit else found
    if as_json:
        kinds = dict(Counter(str(item.kind) for item in found))
        facts = {"run": run.id, "epoch": known.epoch, "min_score": score, "total": len(found), "by_kind": kinds}
        print_json({**facts, "items": [item.to_json() for item in shown]})
        return
    for item in shown:
        say(f"{item.worth:.2f}  {item.name}: {item.reason}")
    say(f"{len(shown)} of {len(found)} items.")


def compare(
    project: Project,
    first: Annotated[str, typer.Argument(metavar="RUN_A", help="Run id, or last.")],
    second: Annotated[str, typer.Argument(metavar="RUN_B", help="Run id, or last.")],
    split: Annotated[Split, typer.Option(help="The frozen set to compare on.")] = Split.VAL,
    score: Score = 0.5,
    seed: Annotated[int, typer.Option(help="Of the redrawn image sets.", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Two runs on the same frozen objects: what the second fixed and broke, and whether that may be chance."""
    from engine.review.paired import compare_networks
    from engine.review.paired_data import detections_on, shared_truth

    one, two = open_run(project, first), open_run(project, second)
    truth = shared_truth(one, two, split)
    (epoch_a, found_a), (epoch_b, found_b) = (detections_on(r, truth.annotations, str(project)) for r in (one, two))
    result = compare_networks(
        truth.annotations, found_a, found_b, truth.categories,
        boxes_only=truth.boxes_only, min_score=score, seed=seed,
    )  # fmt: skip
    if as_json:
        runs = [{"run": run.id, "epoch": epoch} for run, epoch in ((one, epoch_a), (two, epoch_b))]
        names = {c.id: c.name for c in truth.categories}
        print_json({"runs": runs, "split": str(split), **result.to_json(names), "summary": result.sentence()})
        return
    say(f"First: {one.id}, epoch {epoch_a}. Second: {two.id}, epoch {epoch_b}. {result.images} images.")
    for name, figure in result.figures.items():
        say(f"{name:10} {_figure(figure.first)} {_figure(figure.second)}  {_change(figure.difference)}")
    say(result.sentence())


def pairs(
    project: Project,
    run_id: Run = "last",
    rule: Annotated[
        tuple[str, str, str] | None,
        typer.Option(metavar="A B RULE", help="Remember forbid, allow, part-of (A is a part of B) or none."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Which classes are put on the same object, and what to do about each pair; or remember a rule for two classes."""
    from engine.project.store import ProjectStore
    from engine.review.confusable import facts_of, to_json
    from engine.review.queue_evidence import evidence_of, knowledge_of

    if rule is not None:
        _remember(project, *rule)
        return
    run = open_run(project, run_id)
    with ProjectStore.open(project, read_only=True) as store:
        known = knowledge_of(store, run)
        told = to_json(facts_of(evidence_of(store, run, known)), known)
    if as_json:
        print_json({"run": run.id, "epoch": known.epoch, **told})
        return
    for row in told["pairs"]:
        say(_pair_line(row))
    say(f"{len(told['pairs'])} pairs.")


# --- helpers ------------------------------------------------------------------------------------------------------


def _remember(project: Path, first: str, second: str, rule: str) -> None:
    from engine.project.pair_policies import clear_policy, set_policy
    from engine.project.store import ProjectStore

    with ProjectStore.open(project) as store:
        a, b = _category(store, first), _category(store, second)
        if a == b:
            raise UserError("A rule is about two classes.", hint="Name two different ones.")
        with store.change(f"{a.name} and {b.name} on one object: {rule}") as change:
            if rule == _FORGET:
                clear_policy(change, a.id, b.id)
            else:
                set_policy(change, PairPolicy(a.id, b.id, _rule(rule)))
    say(f"{a.name} and {b.name}: {rule}. Undo takes it back.")


def _category(store: ProjectStore, name: str) -> Category:
    found = store.category_named(name)
    if found is None:
        known = ", ".join(c.name for c in store.categories())
        raise UserError(f"There is no class “{name}” in this project.", path=store.folder, hint=f"Classes: {known}.")
    return found


def _rule(word: str) -> PairRule:
    try:
        return PairRule(word)
    except ValueError as error:
        known = ", ".join([*PairRule, _FORGET])
        raise UserError(f"There is no rule “{word}”.", hint=f"Rules: {known}.") from error


def _pair_line(row: dict[str, Any]) -> str:
    a, b = row["classes"]
    seen = f"{row['groups']} objects with both"
    if row["groups"]:
        seen += f" (mean mask IoU {row['mean_iou']:.2f}, scores {row['mean_score_gap']:.2f} apart)"
    taken = f"{a} taken for {b} {row['taken_for_the_other'][0]} times, {b} for {a} {row['taken_for_the_other'][1]}"
    policy = f" Rule: {row['policy']}." if row["policy"] else ""
    return " ".join(filter(None, (f"{a} and {b}: {seen}; {taken}.{policy}", row["hint"], row["advice"])))


def _figure(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else "    –"


def _change(value: float | None) -> str:
    return f"{value:+.3f}" if value is not None else "–"
