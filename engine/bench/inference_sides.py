"""The two sides of the inference bench: torchvision's network as it is used, and Maskwright's predictor."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN as TorchvisionMaskRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.transforms.v2 import functional

from engine.bench.inference_settings import InferenceSettings
from engine.bench.planted import Planted
from engine.bench.settings import CLASSES
from engine.config import DetectConfig
from engine.model.device import Device, choose_device
from engine.model.inference import RawBatch, cut_out, fetched
from engine.model.inputs import prepare
from engine.model.mask_rcnn import MaskRCNN
from engine.model.record import Record
from engine.model.roi_heads import RawDetections
from engine.prediction.predictor import Predictor
from engine.project.dataset import FrozenDataset
from engine.project.images import read_image

PARTS = ("read", "preprocess", "network", "paste")


class Detection(Protocol):
    """A detector that can be asked for its next turn."""

    @property
    def device(self) -> Device: ...

    @property
    def network(self) -> nn.Module: ...

    def whole(self) -> None:
        """Every picture, from the file to its masks."""
        ...

    def parts(self) -> dict[str, float]:
        """Seconds of each of :data:`PARTS` for one picture."""
        ...

    def paste(self) -> None:
        """Only the last part, for one picture."""
        ...

    def found(self) -> tuple[int, int]:
        """How many masks come out of a picture, and how many pixels they have together."""
        ...


class Laps:
    """Seconds between marks, after everything queued on the device is done."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._since = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def mark(self, part: str) -> None:
        """What went by since the last mark was `part`."""
        self._device.synchronize()
        now = time.perf_counter()
        self.seconds[part], self._since = now - self._since, now


class TorchvisionDetection:
    """torchvision's ``maskrcnn_resnet50_fpn`` as built from weights, in float32, used as its documentation shows."""

    def __init__(self, settings: InferenceSettings, data: FrozenDataset, start: Mapping[str, Tensor]) -> None:
        self.device = choose_device(settings.device, amp="off", threads=settings.threads)
        self.network: Any = TorchvisionMaskRCNN(
            resnet_fpn_backbone(backbone_name="resnet50", weights=None, trainable_layers=3),
            num_classes=CLASSES + 1,
            min_size=settings.short_side,
            max_size=settings.long_side,
            box_score_thresh=0.0,
            box_detections_per_img=settings.detections,
        )
        self.network.load_state_dict(dict(start))
        self.network.to(self.device.torch_device).eval()
        self._paths = [image.path for image in data.images]
        self._planted = Planted.of(data.images[0].annotation, self.device.torch_device)
        self._laps: Laps | None = None
        self.network.transform.register_forward_hook(lambda *_: self._mark("preprocess"))
        self.network.roi_heads.register_forward_hook(self._exchange)

    def whole(self) -> None:
        for path in self._paths:
            self._detect(path)

    def parts(self) -> dict[str, float]:
        self._laps = laps = Laps(self.device)
        self._detect(self._paths[0])
        self._mark("paste")
        self._laps = None
        return laps.seconds

    def paste(self) -> None:
        self._pasted()

    def found(self) -> tuple[int, int]:
        areas = [int((mask > 0.5).sum()) for mask in self._pasted()]
        return sum(area > 0 for area in areas), sum(areas)

    @torch.inference_mode()
    def _detect(self, path: Path) -> Any:
        with Image.open(path) as file:
            pixels = functional.pil_to_tensor(file.convert("RGB"))
        self._mark("read")
        image = functional.to_dtype(pixels.to(self.device.torch_device), torch.float32, scale=True)
        return self.network([image])

    @torch.inference_mode()
    def _pasted(self) -> Tensor:
        p = self._planted
        pasted: Tensor = paste_masks_in_image(p.masks, p.boxes, (p.height, p.width))
        return pasted

    def _exchange(self, _module: nn.Module, args: tuple[Any, ...], output: tuple[Any, Any]) -> tuple[Any, Any]:
        self._mark("network")
        sizes: Sequence[tuple[int, int]] = args[2]
        return [self._planted.answer(size) for size in sizes], output[1]

    def _mark(self, part: str) -> None:
        if self._laps is not None:
            self._laps.mark(part)


class MaskwrightDetection:
    """Maskwright's :class:`Predictor`, one image at a time."""

    def __init__(
        self,
        settings: InferenceSettings,
        data: FrozenDataset,
        start: Mapping[str, Tensor],
        *,
        amp: Literal["auto", "off"],
    ) -> None:
        self.device = choose_device(settings.device, amp=amp, threads=settings.threads)
        self._config = DetectConfig(score_threshold=0.0, max_detections=settings.detections)
        network = MaskRCNN(settings.architecture(), pretrained=False)
        network.load_state_dict(start)
        self._predictor = Predictor(network, data.categories, config=self._config, device=self.device)
        self.network = network
        self._paths = [image.path for image in data.images]
        self._ids = [c.id for c in data.categories]
        self._planted = Planted.of(data.images[0].annotation, self.device.torch_device)
        self._detect_heads = network.roi_heads.detect
        network.roi_heads.detect = self._exchange  # type: ignore[method-assign]

    def whole(self) -> None:
        for _ in self._predictor.stream((0, path) for path in self._paths):
            pass

    def parts(self) -> dict[str, float]:
        laps = Laps(self.device)
        image = read_image(self._paths[0])
        laps.mark("read")
        batch, sizes = prepare([image], self.device, self.network.architecture)
        laps.mark("preprocess")
        self.network.set_detection(self._config)
        with self.device.autocast():
            raw = self.network.detect(batch, sizes)
        laps.mark("network")
        self._cut(RawBatch([fetched(each) for each in raw], sizes))
        laps.mark("paste")
        return laps.seconds

    def paste(self) -> None:
        self._pasted()

    def found(self) -> tuple[int, int]:
        areas = [p.mask.area for p in self._pasted().predictions if p.mask is not None]
        return len(areas), sum(areas)

    def _pasted(self) -> Any:
        size = (self._planted.height, self._planted.width)
        return self._cut(RawBatch([fetched(self._planted.answer(size))], [size]))

    def _cut(self, raw: RawBatch) -> Any:
        shape = (self._planted.height, self._planted.width)
        return cut_out(raw, [shape], [0], category_ids=self._ids, config=self._config)[0]

    def _exchange(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_sizes: list[tuple[int, int]],
        record: Record | None = None,
    ) -> list[RawDetections]:
        self._detect_heads(features, proposals, image_sizes, record)
        return [self._planted.answer(size) for size in image_sizes]
