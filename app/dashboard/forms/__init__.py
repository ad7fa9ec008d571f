"""The forms: fields, their words, and what can be checked without the database."""
