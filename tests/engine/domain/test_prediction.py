import numpy as np

from engine.domain.mask import Mask
from engine.domain.prediction import Detections, Prediction


def two() -> Detections:
    mask = Mask.from_box((2, 3, 8, 9), 12, 16)
    return Detections(
        5, 12, 16, (Prediction(1, 5, 30, 0.9, (2.0, 3.0, 8.0, 9.0), mask), Prediction(2, 5, 40, 0.4, (0.4, 1.6, 4, 5)))
    )


def test_the_classic_dict_has_matterports_orders_and_types() -> None:
    result = two().to_matterport({30: 1, 40: 2})
    assert result["rois"].dtype == np.int32
    assert result["rois"].tolist() == [[3, 2, 9, 8], [2, 0, 5, 4]]
    assert result["class_ids"].tolist() == [1, 2]
    assert result["scores"].dtype == np.float32
    assert result["masks"].shape == (12, 16, 2)
    assert result["masks"].dtype == np.bool_
    assert result["masks"][:, :, 0].sum() == 36
    assert not result["masks"][:, :, 1].any()


def test_nothing_found_keeps_shapes_and_types() -> None:
    result = Detections(5, 12, 16, ()).to_matterport()
    assert result["rois"].shape == (0, 4)
    assert result["masks"].shape == (12, 16, 0)
    assert result["masks"].dtype == np.bool_


def test_boxes_come_in_three_orders() -> None:
    first = {order: two().boxes(order)[0].tolist() for order in ("xyxy", "xywh", "yxyx")}
    assert first == {"xyxy": [2, 3, 8, 9], "xywh": [2, 3, 6, 6], "yxyx": [3, 2, 9, 8]}
