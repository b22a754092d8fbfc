"""What handlers ask of a node of onnx-graphsurgeon."""

from __future__ import annotations

from typing import Any

from .oracle import PURE_DOMAINS


def operator_name(node: Any) -> str:
    """The operator with its domain, where that is not ONNX's own or implied (`PURE_DOMAINS`)."""
    domain = node.domain or "ai.onnx"
    implied = PURE_DOMAINS.get(node.op, "ai.onnx")
    return str(node.op) if domain == implied else f"{domain}.{node.op}"


def plain_attributes(node: Any) -> dict[str, Any]:
    """A node's attributes as numbers, text and lists."""
    return {
        name: held.decode() if isinstance(held, bytes) else held
        for name, held in node.attrs.items()
    }


def text_attribute(node: Any, name: str, default: str) -> str:
    """An attribute that is text, however onnx-graphsurgeon holds it."""
    held = node.attrs.get(name, default)
    return held.decode() if isinstance(held, bytes) else str(held)
