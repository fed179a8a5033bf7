"""What is offered by name, without torch, is what torchvision publishes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.config import WEIGHTS
from engine.model.offered import OFFERED

ROOT = Path(__file__).parents[3]
_MIB_IN_MB = 1.048576  # torchvision tells sizes in MiB


def test_every_name_is_offered_in_the_order_of_the_settings():
    assert tuple(OFFERED) == WEIGHTS


@pytest.mark.parametrize("name", WEIGHTS[1:])
def test_file_size_and_kind_are_those_of_the_published_file(name):
    from engine.model.published import PUBLISHED, local_copy

    published, offered = PUBLISHED[name], OFFERED[name]
    assert offered.local_copy == local_copy(name)
    assert offered.megabytes == round(published.weights.meta["_file_size"] * _MIB_IN_MB)
    assert offered.is_detector == published.is_detector


def test_packaged_weights_are_here_and_others_once_they_were_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWRIGHT_CACHE", str(tmp_path))
    assert [o.name for o in OFFERED.values() if o.is_here] == ["lite0"]
    copy = OFFERED["coco"].local_copy
    assert copy is not None
    copy.parent.mkdir(parents=True)
    copy.touch()
    assert [o.name for o in OFFERED.values() if o.is_here] == ["lite0", "coco"]


def test_they_are_told_without_torch():
    code = "import sys, engine.model.offered; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode == 0
