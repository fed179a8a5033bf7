"""Small pictures and annotation files to import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.project.store import ProjectStore

REAL = Path(__file__).resolve().parents[3].parent / "shared" / "data"


@pytest.fixture
def real() -> Path:
    """The folder of real data sets; tests that ask for it are skipped where it is absent."""
    if not REAL.is_dir():
        pytest.skip(f"the real data sets are not here ({REAL})")
    return REAL


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProjectStore]:
    """An empty project."""
    with ProjectStore.create(tmp_path / "project") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to lay files into."""
    path = tmp_path / "data"
    path.mkdir()
    return path
