"""The rules of paying out, pure: no framework, no database, no clock."""
