"""Which class a region belongs to: the attribute that names it, a default, and the classes left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from engine.errors import FormatError
from engine.formats.coerce import as_text
from engine.formats.parsed import ParsedFile, ParsedImage, ParsedRegion
from engine.formats.report import FindingLog
from engine.formats.via import attribute_values

DEFAULT_CLASS = "object"
_USUAL_NAMES = ("class", "label", "category", "object", "name", "type", "species")


@dataclass(frozen=True, slots=True)
class LabelChoice:
    """How classes are to be read.

    Attributes:
        class_attribute: VIA region attribute that names the class; None guesses it.
        default_class: for regions without a class; None leaves them out when other regions have one, and calls them
            "object" when none has.
        leave_out: class names that are not imported.
    """

    class_attribute: str | None = None
    default_class: str | None = None
    leave_out: Collection[str] = ()


def guessed_attribute(parsed: ParsedFile) -> str | None:
    """The region attribute that most likely names the class; None when regions have no attributes.

    A usual name wins, then an attribute with a closed list of options, then the one on most regions; one whose value
    differs on every region (a number, a remark) comes last.
    """
    values = attribute_values(parsed.images)
    if not values:
        return None
    return min(values, key=lambda name: _rank(name, values[name], parsed.declared))


def _rank(name: str, counts: Mapping[str, int], declared: Mapping[str, tuple[str, ...]]) -> tuple[int, bool, bool, int]:
    words = name.lower().replace("_", " ").split()
    usual = min((_USUAL_NAMES.index(word) for word in words if word in _USUAL_NAMES), default=len(_USUAL_NAMES))
    total = sum(counts.values())
    remark = total > 2 and len(counts) == total
    return (usual, remark, not declared.get(name), -total)


def labelled(parsed: ParsedFile, choice: LabelChoice, log: FindingLog) -> ParsedFile:
    """`parsed` with every region's label set; regions without a class and of classes left out are gone.

    Raises:
        FormatError: when the class attribute asked for is not in the file.
    """
    attribute = _attribute(parsed, choice, log)
    default = as_text(choice.default_class)
    if not default and attribute is None and not any(r.label for image in parsed.images for r in image.regions):
        default = DEFAULT_CLASS
        number = sum(len(image.regions) for image in parsed.images)
        log.add("note", f"The file names no classes: its regions got the class “{default}”", count=min(number, 1))
    left_out = {as_text(name) for name in choice.leave_out}
    seen: Counter[str] = Counter()
    images = tuple(_labelled_image(image, attribute, default, left_out, seen, log) for image in parsed.images)
    for name in sorted(left_out - seen.keys()):
        log.add("warning", f"The class “{name}” that was to be left out is not in the file")
    unused = [name for name in parsed.class_order if name not in seen and name not in left_out]
    log.add(
        "note", "{n} class{plural} declared in the file {is} without a region and {was} not made", count=len(unused)
    )
    order = parsed.class_order or parsed.declared.get(attribute or "", ())
    return replace(parsed, images=images, class_order=tuple(dict.fromkeys([*order, *seen])))


def _attribute(parsed: ParsedFile, choice: LabelChoice, log: FindingLog) -> str | None:
    values = attribute_values(parsed.images)
    wanted = choice.class_attribute
    if wanted is not None:
        if wanted in values:
            return wanted
        there = ", ".join(f"“{name}”" for name in values) or "none at all"
        raise FormatError(f"No region has the attribute “{wanted}”.", hint=f"The file has: {there}.")
    guess = guessed_attribute(parsed)
    if guess is not None:
        others = ", ".join(f"“{name}”" for name in values if name != guess)
        log.add("note", f"The class was read from the region attribute “{guess}”{others and f' (not {others})'}")
    return guess


def _labelled_image(
    image: ParsedImage, attribute: str | None, default: str, left_out: set[str], seen: Counter[str], log: FindingLog
) -> ParsedImage:
    kept = []
    for region in image.regions:
        label = region.label or _value(region, attribute, image.name, log) or default
        if label:
            seen[label] += 1
        if not label:
            where = f" for “{attribute}”" if attribute else ""
            log.add("skipped", f"{{n}} region{{s}} {{was}} skipped: no class is given{where}", image=image.name)
        elif label in left_out:
            log.add("note", f"{{n}} region{{s}} of the class “{label}” {{was}} left out, as asked")
        else:
            kept.append(replace(region, label=label))
    return replace(image, regions=tuple(kept))


def _value(region: ParsedRegion, attribute: str | None, image: str, log: FindingLog) -> str:
    values = region.attributes.get(attribute or "", ())
    if len(values) > 1:
        log.add("warning", "{n} region{s} with several classes ticked: the first was taken", image=image)
    return values[0] if values else ""
