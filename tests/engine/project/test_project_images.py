"""Any ordinary image file is read as a viewer shows it; anything else is refused with a sentence."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from engine.domain.annotation import Split
from engine.errors import ImageReadError
from engine.project import images
from engine.project.images import (
    add_images,
    content_hash,
    find_images,
    image_size,
    read_image,
    thumbnail,
)
from engine.project.store import ProjectStore

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def corners() -> npt.NDArray[np.uint8]:
    """3 x 5 pixels whose corners are red, green, blue and white, the rest black."""
    pixels = np.zeros((3, 5, 3), np.uint8)
    pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1] = RED, GREEN, BLUE, WHITE
    return pixels


def _saved(path: Path, array: npt.NDArray[Any], **options: Any) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _as_stored(upright: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """The rows a camera writes so that `orientation` shows `upright` (EXIF: row 0 is top, right... of the scene)."""
    undo = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: np.swapaxes(p, 0, 1),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.swapaxes(np.rot90(p, 2), 0, 1),
        8: lambda p: np.rot90(p, -1),
    }
    return np.ascontiguousarray(undo[orientation](upright))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_exif_orientation_is_applied(
    tmp_path: Path, corners: npt.NDArray[np.uint8], orientation: int, suffix: str
) -> None:
    options = {"exif": _exif(orientation)} | ({"lossless": True} if suffix == "webp" else {})
    path = _saved(tmp_path / f"x.{suffix}", _as_stored(corners, orientation), **options)
    np.testing.assert_array_equal(read_image(path), corners)
    np.testing.assert_array_equal(thumbnail(path, 5), corners)
    assert image_size(path) == (3, 5)


def test_orientation_written_after_the_pixels_of_a_png_counts_too(
    tmp_path: Path, corners: npt.NDArray[np.uint8]
) -> None:
    path = _saved(tmp_path / "x.png", _as_stored(corners, 6))
    data = path.read_bytes()
    end = data.index(b"IEND") - 4
    chunk = b"eXIf" + _exif(6).tobytes()[6:]
    late = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(data[:end] + late + data[end:])
    np.testing.assert_array_equal(read_image(path), corners)
    assert image_size(path) == (3, 5)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_of_16_bit_colour_is_applied(
    tmp_path: Path, corners: npt.NDArray[np.uint8], orientation: int
) -> None:
    stored = _as_stored(corners, orientation).astype(np.uint16) * 257
    path = tmp_path / "x.tif"
    path.write_bytes(_tiff_16_bit(stored, orientation))
    np.testing.assert_array_equal(read_image(path), corners)
    np.testing.assert_array_equal(thumbnail(path, 5), corners)
    assert image_size(path) == (3, 5)


def _tiff_16_bit(pixels: npt.NDArray[np.uint16], orientation: int) -> bytes:
    """A TIFF of one uncompressed strip (Pillow and cv2 cannot write 16-bit colour with an orientation)."""
    height, width, _ = pixels.shape
    data = pixels.astype("<u2").tobytes()
    short, long = 3, 4
    bits_at = 8 + 2 + 10 * 12 + 4
    tags = [(256, long, 1, width), (257, long, 1, height), (258, short, 3, bits_at), (259, short, 1, 1),
            (262, short, 1, 2), (273, long, 1, bits_at + 6), (274, short, 1, orientation), (277, short, 1, 3),
            (278, long, 1, height), (279, long, 1, len(data))]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<3H", 16, 16, 16) + data


def test_the_size_of_a_png_is_read_without_its_pixels(tmp_path: Path) -> None:
    path = _saved(tmp_path / "x.png", np.zeros((50, 70), np.uint8))
    data = path.read_bytes()
    start = data.index(b"IDAT")
    path.write_bytes(data[: start + 8])
    assert image_size(path) == (50, 70)


def test_gray_is_repeated_over_the_channels(tmp_path: Path) -> None:
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    read = read_image(_saved(tmp_path / "x.png", gray))
    np.testing.assert_array_equal(read, np.repeat(gray[:, :, None], 3, axis=2))
    assert read.dtype == np.uint8
    assert read.flags.c_contiguous


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    bits = np.array([[True, False], [False, True]])
    assert read_image(_saved(tmp_path / "x.png", bits))[:, :, 1].tolist() == [[255, 0], [0, 255]]


def test_a_palette_is_looked_up(tmp_path: Path, corners: npt.NDArray[np.uint8]) -> None:
    Image.fromarray(corners).quantize(8).save(tmp_path / "x.png")
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), corners)
    Image.fromarray(corners).quantize(8).save(tmp_path / "x.gif")
    np.testing.assert_array_equal(read_image(tmp_path / "x.gif"), corners)


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 51]]], np.uint8)
    assert read_image(_saved(tmp_path / "x.png", rgba)).tolist() == [[[10, 20, 30], [255, 255, 255], [204, 204, 204]]]


def test_gray_with_transparency_is_laid_over_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[10, 255], [10, 0]]], np.uint8), "LA").save(tmp_path / "x.png")
    assert read_image(tmp_path / "x.png").tolist() == [[[10, 10, 10], [255, 255, 255]]]


def test_a_transparent_palette_entry_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "x.png", transparency=0)
    assert read_image(tmp_path / "x.png").tolist() == [[[255, 255, 255], [200, 0, 0]]]


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (2, 2), (0, 255, 255, 0)).save(tmp_path / "x.tif")
    assert read_image(tmp_path / "x.tif")[0, 0].tolist() == [255, 0, 0]


def test_16_bit_gray_is_stretched_over_its_own_range(tmp_path: Path) -> None:
    twelve_bit = np.array([[100, 100 + 51 * 10, 100 + 255 * 10]], np.uint16)
    for name in ("x.png", "x.tif"):
        assert read_image(_saved(tmp_path / name, twelve_bit))[0, :, 0].tolist() == [0, 51, 255]


def test_a_flat_16_bit_image_is_black(tmp_path: Path) -> None:
    assert not read_image(_saved(tmp_path / "x.png", np.full((2, 2), 777, np.uint16))).any()


def test_16_bit_colour_is_stretched_over_all_channels_together(tmp_path: Path) -> None:
    rgb = np.array([[[0, 510, 2550], [2550, 0, 0]]], np.uint16)
    for name in ("x.png", "x.tif"):
        cv2.imwrite(str(tmp_path / name), rgb[:, :, ::-1])
        assert read_image(tmp_path / name).tolist() == [[[0, 51, 255], [255, 0, 0]]]
        assert thumbnail(tmp_path / name, 2).tolist() == [[[0, 51, 255], [255, 0, 0]]]
    assert image_size(tmp_path / "x.png") == (1, 2)


def test_16_bit_transparency_is_laid_over_white(tmp_path: Path) -> None:
    bgra = np.array([[[0, 0, 1000, 65535], [0, 0, 0, 0]]], np.uint16)
    cv2.imwrite(str(tmp_path / "x.png"), bgra)
    assert read_image(tmp_path / "x.png").tolist() == [[[255, 0, 0], [255, 255, 255]]]


def test_floating_point_pixels_are_stretched_and_gaps_are_black(tmp_path: Path) -> None:
    values = np.array([[-1.0, 0.0, 1.0, np.nan]], np.float32)
    assert read_image(_saved(tmp_path / "x.tif", values))[0, :, 0].tolist() == [0, 128, 255, 0]


def test_the_first_frame_of_several_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("L", (3, 2), value) for value in (10, 200)]
    frames[0].save(tmp_path / "x.tif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "x.tif").max() == 10


def test_a_thumbnail_keeps_the_shape_and_fits_the_size(tmp_path: Path) -> None:
    path = _saved(tmp_path / "x.jpg", np.full((600, 900, 3), 130, np.uint8))
    small = thumbnail(path, 90)
    assert small.shape == (60, 90, 3)
    assert abs(int(small.mean()) - 130) <= 1
    assert thumbnail(_saved(tmp_path / "y.png", np.zeros((3, 5), np.uint8)), 90).shape == (3, 5, 3)


# --- what is no image ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [read_image, image_size, lambda p: thumbnail(p, 50)])
def test_what_is_not_there_or_no_image_is_told_in_a_sentence(tmp_path: Path, read: Any) -> None:
    with pytest.raises(ImageReadError, match=r"image is missing.*nowhere\.png"):
        read(tmp_path / "nowhere.png")
    with pytest.raises(ImageReadError, match="is a folder"):
        read(tmp_path)
    for content in (b"", b"hello", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xff\xd8\xff"):
        (tmp_path / "x.png").write_bytes(content)
        with pytest.raises(ImageReadError, match=r"x\.png"):
            read(tmp_path / "x.png")


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "tif", "webp", "gif", "ppm"])
def test_a_truncated_image_is_refused_and_never_half_read(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    path = _saved(tmp_path / f"x.{suffix}", rng.integers(0, 255, (80, 90, 3), dtype=np.uint8))
    data = path.read_bytes()
    read_image(path)
    for kept in (len(data) // 2, len(data) * 9 // 10):
        path.write_bytes(data[:kept])
        with pytest.raises(ImageReadError):
            read_image(path)


def test_a_truncated_16_bit_colour_image_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "x.png"), rng.integers(0, 65535, (80, 90, 3), dtype=np.uint16))
    data = (tmp_path / "x.png").read_bytes()
    (tmp_path / "x.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageReadError):
        read_image(tmp_path / "x.png")


def test_random_damage_is_an_image_or_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 1_000_000)  # damaged sizes are not decoded: quick
    rng = np.random.default_rng(1)
    path = tmp_path / "x"
    for suffix in ("JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP"):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(file, suffix)
        for _ in range(40):
            data = bytearray(file.getvalue())
            for at in rng.integers(0, min(len(data), 200), 4):
                data[at] = rng.integers(256)
            path.write_bytes(data)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # Pillow about odd metadata
                try:
                    pixels = read_image(path)
                except ImageReadError:
                    continue
            assert pixels.dtype == np.uint8
            assert pixels.shape[2:] == (3,)


def test_a_small_file_that_claims_a_billion_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = _saved(tmp_path / "x.png", np.zeros((4, 4), np.uint8))
    for side in (30_000, 60_000):
        data = bytearray(path.read_bytes())
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        path.write_bytes(data)
        for read in (read_image, image_size):
            with pytest.raises(ImageReadError, match=r"pixels|too large"):
                read(path)


# --- finding and adding -------------------------------------------------------------------------------------------


def test_images_are_found_below_a_folder_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10.png", "2.JPG", "b/1.tif", "notes.txt", ".hidden.png", ".git/x.png", "runs/y.png", "a.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [p.relative_to(tmp_path).as_posix() for p in find_images(tmp_path)] == [
        "2.JPG", "10.png", "b/1.tif", "runs/y.png",
    ]  # fmt: skip
    (tmp_path / "project.sqlite").touch()
    assert "runs/y.png" not in [p.relative_to(tmp_path).as_posix() for p in find_images(tmp_path)]


def test_equal_files_have_equal_hashes_whatever_their_name(tmp_path: Path) -> None:
    for name, content in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / name).write_bytes(content)
    assert content_hash(tmp_path / "a") == content_hash(tmp_path / "b") != content_hash(tmp_path / "c")


def test_a_folder_is_added_as_one_change_and_bad_files_are_named(tmp_path: Path, store: ProjectStore) -> None:
    source = tmp_path / "images"
    source.mkdir()
    _saved(source / "1.png", np.zeros((4, 6), np.uint8))
    _saved(source / "2.jpg", np.zeros((6, 4), np.uint8), exif=_exif(6))
    (source / "3.png").write_bytes(b"no image")
    before = len(store.images())
    report = add_images(store, source, split=Split.TRAIN)
    assert (report.added, [p.name for p, _ in report.skipped]) == (2, ["3.png"])
    assert [(store.image(i).width, store.image(i).height) for i in report.image_ids] == [(6, 4), (6, 4)]
    assert {store.image(i).split for i in report.image_ids} == {Split.TRAIN}
    again = add_images(store, source)
    assert (again.added, again.changed, len(again.skipped)) == (0, None, 3)
    assert store.undo_label() == "Add 2 images"
    store.undo()
    assert len(store.images()) == before


def test_a_file_whose_name_is_not_unicode_is_left_out_with_the_reason(tmp_path: Path, store: ProjectStore) -> None:
    odd = tmp_path / "\udcff.png"
    try:
        odd.touch()
    except OSError:
        pytest.skip("this file system has no such names")
    ((path, reason),) = add_images(store, [odd]).skipped
    assert path == odd
    assert "not valid Unicode" in reason
