"""The parts that a bare machine lacks, started as child processes: a private Valkey, a PostgreSQL for the
tests, and the supervisor behind ``make run``. Nothing here is used where ``DATABASE_URL`` and ``REDIS_URL``
name real servers.
"""
