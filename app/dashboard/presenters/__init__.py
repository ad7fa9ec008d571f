"""Presenters: from rows and domain values to finished words, amounts and links. Templates only place them."""
