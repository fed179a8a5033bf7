from pathlib import Path

import pytest
import torch

from engine.errors import RunError
from engine.model.mask_rcnn import Architecture, MaskRCNN
from engine.model.weights import load_network, model_tensors, read_facts, write_tensors


def test_a_network_comes_back_from_its_checkpoint(tmp_path: Path) -> None:
    network = MaskRCNN(Architecture(classes=2, image_size=96), pretrained=False)
    facts = {
        "architecture": network.architecture.to_json(),
        "categories": [{"id": 7, "name": "ring", "color": "#000000"}, {"id": 9, "name": "disc", "color": "#ffffff"}],
    }
    path = tmp_path / "last.safetensors"
    write_tensors(path, model_tensors(network.state_dict()), facts)
    loaded, categories, _ = load_network(path)
    assert loaded.architecture == network.architecture
    assert [c.id for c in categories] == [7, 9]
    assert all(torch.equal(t, network.state_dict()[n]) for n, t in loaded.state_dict().items())


def test_a_failed_write_leaves_the_old_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.safetensors"
    write_tensors(path, {"model.a": torch.ones(2)}, {"n": 1})

    def full(*_args: object, **_kwargs: object) -> None:
        path.with_suffix(".part").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.model.weights.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        write_tensors(path, {"model.a": torch.zeros(2)}, {"n": 2})
    assert read_facts(path) == {"n": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_checkpoint_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "best.safetensors"
    path.write_bytes(content)
    with pytest.raises(RunError, match="checkpoint"):
        read_facts(path)


def test_a_missing_checkpoint_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not exist"):
        load_network(tmp_path / "epoch_0009.safetensors")
