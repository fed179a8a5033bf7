import numpy as np
import pytest
import torch
from torchvision.models.detection.roi_heads import paste_masks_in_image

from engine.model.masks_out import paste


@pytest.mark.parametrize("seed", range(20))
def test_a_pasted_mask_has_the_pixels_torchvision_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = 90, 120
    corner = rng.uniform([-10, -10], [width - 5, height - 5])
    box = np.concatenate([corner, corner + rng.uniform(2, 90, size=2)]).astype(np.float32)
    coarse = rng.random((7, 7)).astype(np.float32)
    probabilities = np.kron(coarse, np.ones((4, 4), dtype=np.float32))
    dense = paste_masks_in_image(
        torch.from_numpy(probabilities)[None, None], torch.from_numpy(box)[None], (height, width)
    )
    # The two interpolations differ in the last bits: leave out pixels that sit on the threshold itself.
    expected, settled = (dense[0, 0] > 0.5).numpy(), ((dense[0, 0] - 0.5).abs() > 1e-4).numpy()
    ours = paste(probabilities, box, height, width).to_array()
    assert expected.any()
    assert (ours == expected)[settled].all()


def test_a_box_outside_the_image_gives_an_empty_mask() -> None:
    mask = paste(np.ones((28, 28), dtype=np.float32), (200.0, 200.0, 240.0, 240.0), 50, 60)
    assert mask.shape == (50, 60)
    assert mask.is_empty


def test_a_hole_in_the_probabilities_is_a_hole_in_the_mask() -> None:
    probabilities = np.ones((28, 28), dtype=np.float32)
    probabilities[10:18, 10:18] = 0
    mask = paste(probabilities, (10.0, 10.0, 110.0, 110.0), 120, 120)
    assert len(mask.holes) == 1
