"""The shop's pages: each parses a form, calls one use case, renders."""
