"""Cents as people read them."""

from __future__ import annotations


def euros(minor: int) -> str:
    """`"€ 1,234.50"` for 123450; a minus sign before the currency."""
    sign = "-" if minor < 0 else ""
    return f"{sign}€ {abs(minor) // 100:,}.{abs(minor) % 100:02d}"
