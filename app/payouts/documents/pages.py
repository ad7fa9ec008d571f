"""The pages that every sheet is written on: PDF/A-3b with a foot that names the document and counts the pages."""

from __future__ import annotations

from fpdf import FPDF


class Pages(FPDF):
    """A4 upright, in the sheet's own font."""

    def __init__(self, name: str, page_word: str) -> None:
        super().__init__(format="A4", enforce_compliance="PDF/A-3B")
        self._name = name
        self._page_word = page_word
        self.alias_nb_pages()

    def footer(self) -> None:
        """The document's name on the left, the page's number on the right."""
        self.set_y(-15)
        self.set_font("Inter", "", 7.5)
        self.set_text_color(96, 102, 98)
        self.cell(self.epw - 40, 5, self._name)
        self.cell(40, 5, f"{self._page_word} {self.page_no()}/{{nb}}", align="R")
