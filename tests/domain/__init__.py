"""The rules, without a database, a server or a clock."""
