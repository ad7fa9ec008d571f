"""Alembic migrations. They expand first and contract a release later, so that the previous release runs on them."""
