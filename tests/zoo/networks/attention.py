"""Networks of tokens: attention, token mixing, and the convolutional net that learnt from them."""

from __future__ import annotations

import torch
from torch import nn

from .common import Network


class Attention(nn.Module):
    """Self-attention of several heads, written out: two MatMuls of activations, a softmax."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, tokens, width = x.shape
        split = self.qkv(x).view(n, tokens, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-2, -1) * self.scale, dim=-1)
        mixed = (weights @ v).transpose(1, 2).reshape(n, tokens, width)
        return self.out(mixed)  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """Norm, attention, norm, two-layer net; each added to what it read."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.think = nn.Sequential(nn.LayerNorm(width), _mlp(width, 2 * width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attend(x)
        return x + self.think(x)  # type: ignore[no-any-return]


class ViT(nn.Module):
    """A vision transformer: patches of 8x8, learnt positions, two blocks, mean of the tokens."""

    def __init__(self, width: int = 64, blocks: int = 2, patches: int = 16) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.positions = nn.Parameter(torch.randn(1, patches, width) * 0.3)
        self.blocks = nn.Sequential(*(TransformerBlock(width, 4) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.norm(self.blocks(x)).mean(dim=1))  # type: ignore[no-any-return]


class MixerBlock(nn.Module):
    """MLP-Mixer's: one net over the tokens, one over the channels."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens, self.channels = _mlp(tokens, 2 * tokens), _mlp(width, 2 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.tokens(self.first(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.second(x))  # type: ignore[no-any-return]


class Mixer(nn.Module):
    """MLP-Mixer of two blocks."""

    def __init__(self, width: int = 48, tokens: int = 16) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.blocks = nn.Sequential(*(MixerBlock(tokens, width) for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.patches(x).flatten(2).transpose(1, 2))
        return self.head(self.norm(x).mean(dim=1))  # type: ignore[no-any-return]


class ConvNeXtBlock(nn.Module):
    """7x7 depthwise, a norm over the channels, two-layer net channels-last, a scaled sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm, self.mlp = nn.LayerNorm(width), _mlp(width, 4 * width)
        self.gamma = nn.Parameter(torch.rand(width) * 0.5 + 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.mlp(y) * self.gamma).permute(0, 3, 1, 2)  # type: ignore[no-any-return]


def convnext() -> nn.Module:
    """A ConvNeXt of two stages."""
    return nn.Sequential(
        nn.Conv2d(3, 24, 4, 4), ConvNeXtBlock(24), nn.Conv2d(24, 48, 2, 2), ConvNeXtBlock(48),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 10),
    )  # fmt: skip


def _mlp(width: int, inner: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))


NETWORKS = (
    Network("vit", "transformer", ViT, (1, 3, 32, 32)),
    Network("mixer", "MLP-Mixer", Mixer, (1, 3, 32, 32)),
    Network("convnext", "ConvNeXt", convnext, (1, 3, 48, 48)),
)
