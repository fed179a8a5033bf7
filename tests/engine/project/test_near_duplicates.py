"""The same picture is found again after what people do to pictures, and different ones stay apart."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from engine.errors import ImageReadError
from engine.project.near_duplicates import SAME_PICTURE_BITS, joined, signature, signatures, similar_pairs

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample"


def scene(number: int) -> Image.Image:
    """A picture with large and small structure, another one for each number."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)).resize(
        (320, 240), Image.Resampling.BICUBIC
    )
    fine = Image.fromarray(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)).resize((320, 240))
    return Image.blend(coarse, fine, 0.3)


def bits_between(a: Path, b: Path) -> int:
    first, second = signature(a), signature(b)
    assert first is not None
    assert second is not None
    return (first ^ second).bit_count()


CHANGES = {
    "smaller": lambda image: image.resize((image.width // 3, image.height // 3), Image.Resampling.BICUBIC),
    "larger": lambda image: image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.2),
    "gray": lambda image: image.convert("L"),
    "as it was": lambda image: image,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("quality", [30, 90])
def test_a_changed_copy_is_the_same_picture(tmp_path: Path, change, quality: int) -> None:
    for number in range(5):
        scene(number).save(tmp_path / f"{number}.png")
        change(scene(number)).save(tmp_path / f"{number}.jpg", quality=quality)
        assert bits_between(tmp_path / f"{number}.png", tmp_path / f"{number}.jpg") <= SAME_PICTURE_BITS


def test_a_copy_that_is_turned_by_its_exif_mark_only_is_the_same_picture(tmp_path: Path) -> None:
    scene(1).save(tmp_path / "a.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees to the right
    scene(1).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.jpg", exif=exif)
    assert bits_between(tmp_path / "a.jpg", tmp_path / "b.jpg") <= SAME_PICTURE_BITS


def test_different_pictures_are_not_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(12)]
    for number, path in enumerate(paths):
        scene(number).save(path)
    assert similar_pairs(signatures(paths)) == []


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason=f"the real data sets are not here ({DATA})")
def test_real_photographs_are_like_their_copies_and_like_nothing_else(tmp_path: Path) -> None:
    photographs = sorted((DATA / "balloon").glob("*/*.jpg"))
    others = [*sorted(SAMPLE.glob("*/*.jpg")), *sorted((DATA / "fruits_nuts" / "images").glob("*.jpg"))]
    found = [s for s in signatures([*photographs, *others]) if s is not None]
    assert len(found) == len(photographs) + len(others)
    assert min((a ^ b).bit_count() for a, b in itertools.combinations(found, 2)) > SAME_PICTURE_BITS + 4
    for number, path in enumerate(photographs[::16]):
        with Image.open(path) as image:
            for change in CHANGES.values():
                change(image.convert("RGB")).save(tmp_path / f"{number}.jpg", quality=40)
                assert bits_between(path, tmp_path / f"{number}.jpg") <= SAME_PICTURE_BITS


def test_blank_and_unreadable_pictures_are_like_nothing(tmp_path: Path) -> None:
    for name, gray in (("a.png", 0), ("b.png", 0), ("c.png", 200)):
        Image.new("RGB", (40, 30), (gray, gray, gray)).save(tmp_path / name)
    (tmp_path / "d.png").write_bytes(b"no image")
    told: list[tuple[int, int]] = []
    paths = [tmp_path / n for n in ("a.png", "b.png", "c.png", "d.png", "missing.png")]
    assert signatures(paths, progress=lambda done, total: told.append((done, total))) == [None] * 5
    assert told == [(n, 5) for n in range(5)]
    assert similar_pairs([None] * 5) == []
    with pytest.raises(ImageReadError, match="missing"):
        signature(tmp_path / "missing.png")


def test_a_file_that_was_replaced_is_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    scene(1).save(path)
    before = signature(path)
    scene(2).save(path)
    assert signature(path) != before


words = st.lists(st.one_of(st.none(), st.integers(0, 2**64 - 1), st.integers(0, 3)), max_size=25)


@given(words, st.integers(0, 40))
def test_pairs_connect_exactly_what_a_chain_of_small_distances_connects(found: list[int | None], bits: int) -> None:
    every = [
        (i, j)
        for i, j in itertools.combinations(range(len(found)), 2)
        if (a := found[i]) is not None and (b := found[j]) is not None and (a ^ b).bit_count() <= bits
    ]
    pairs = similar_pairs(found, bits=bits)
    assert set(pairs) <= set(every)
    assert joined(len(found), pairs) == joined(len(found), every)
    assert len(pairs) < max(1, len(found))


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(
    st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))))  # fmt: skip
def test_joined_positions_are_each_in_one_group_and_pairs_are_never_apart(case) -> None:
    count, pairs = case
    groups = joined(count, pairs)
    assert sorted(i for group in groups for i in group) == list(range(count))
    where = {i: number for number, group in enumerate(groups) for i in group}
    assert all(where[a] == where[b] for a, b in pairs)
    assert len(groups) >= count - len(pairs)
