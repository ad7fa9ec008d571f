"""The rules, pure: no Flask, no SQLAlchemy, no Redis, no clock."""
