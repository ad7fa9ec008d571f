"""Small helpers to write ISO 20022 messages with lxml."""

from __future__ import annotations

from lxml import etree


def document(namespace: str, child: str) -> tuple[etree._Element, etree._Element]:
    """A new Document of `namespace` and its one child."""
    root = etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})
    return root, add(root, child)


def add(parent: etree._Element, path: str, text: str | None = None, **attributes: str) -> etree._Element:
    """Appends the elements of `path` ("Id/IBAN") below each other; the last one gets text and attributes."""
    namespace = etree.QName(parent).namespace
    node = parent
    for part in path.split("/"):
        node = etree.SubElement(node, f"{{{namespace}}}{part}")
    node.text = text
    for name, value in attributes.items():
        node.set(name, value)
    return node


def add_amount(parent: etree._Element, tag: str, amount_minor: int, currency: str) -> None:
    """Appends an amount with its currency; never negative, as ISO 20022 wants it."""
    add(parent, tag, decimal_text(amount_minor), Ccy=currency)


def decimal_text(amount_minor: int) -> str:
    """Cents as the banks write them: 2500 is `"25.00"`."""
    if amount_minor < 0:
        raise ValueError(f"an amount in a bank message is never negative: {amount_minor}")
    return f"{amount_minor // 100}.{amount_minor % 100:02d}"


def as_bytes(root: etree._Element) -> bytes:
    """The document as UTF-8 with its declaration."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
