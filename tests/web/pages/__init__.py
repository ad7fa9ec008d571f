"""The HTML pages, in the real application."""
