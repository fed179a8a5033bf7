"""A part of a file is what the same part of the whole image is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageReadError
from engine.project import regions
from engine.project.images import read_image
from engine.project.regions import open_regions

H, W = 37, 53
BOXES = [(0, 0, W, H), (0, 0, 1, 1), (10, 5, 40, 31), (W - 3, H - 2, W, H), (7, 30, 53, 37)]


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(H, W, 3), dtype=np.uint8)


def saved(folder: Path, name: str, **options: object) -> Path:
    image = Image.fromarray(pixels())
    image = image.convert("L") if "gray" in name else image
    image.save(folder / name, **options)
    return folder / name


PLAIN = [
    ("a.ppm", {}), ("gray.pgm", {}), ("a.bmp", {}), ("gray.tif", {}), ("a.tif", {}),
    ("strips.tif", {"tiffinfo": {278: 5}}),
]  # fmt: skip
PACKED = [("a.png", {}), ("a.jpg", {}), ("packed.tif", {"compression": "tiff_lzw"}), ("gray.bmp", {})]


@pytest.mark.parametrize(("name", "options"), PLAIN + PACKED, ids=[n for n, _ in PLAIN + PACKED])
def test_a_part_equals_that_part_of_the_image(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    path = saved(tmp_path, name, **options)
    whole, source = read_image(path), open_regions(path)
    assert (source.height, source.width) == (H, W)
    for x0, y0, x1, y1 in BOXES:
        part = source.read((x0, y0, x1, y1))
        np.testing.assert_array_equal(part, whole[y0:y1, x0:x1])
        assert part.dtype == np.uint8


@pytest.mark.parametrize(("name", "options"), PLAIN, ids=[n for n, _ in PLAIN])
def test_an_uncompressed_file_is_never_decoded_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, object]
) -> None:
    def refuse(path: Path) -> None:
        raise AssertionError(f"{path} was decoded")

    path = saved(tmp_path, name, **options)
    monkeypatch.setattr(regions, "read_image", refuse)
    assert open_regions(path).read((1, 2, 9, 8)).shape == (6, 8, 3)


def test_pixels_in_memory_are_cut_as_they_are() -> None:
    np.testing.assert_array_equal(open_regions(pixels()).read((3, 4, 20, 30)), pixels()[4:30, 3:20])


def test_a_turned_image_is_turned_in_its_parts_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, "a.jpg", exif=exif)
    source = open_regions(path)
    assert (source.height, source.width) == (W, H)
    np.testing.assert_array_equal(source.read((2, 3, 9, 11)), read_image(path)[3:11, 2:9])


def test_a_file_that_ends_too_early_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.ppm")
    path.write_bytes(path.read_bytes()[:-500])
    source = open_regions(path)
    assert source.read((0, 0, W, 5)).shape == (5, W, 3)
    with pytest.raises(ImageReadError, match=r"truncated.*a\.ppm"):
        source.read((0, H - 4, W, H))


def test_a_file_that_is_no_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.bmp").write_bytes(b"BM nothing")
    with pytest.raises(ImageReadError, match=r"a\.bmp"):
        open_regions(tmp_path / "a.bmp")
