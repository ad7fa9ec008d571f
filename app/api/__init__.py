"""The HTTP API of ``/api/v1``: parse, call one use case, answer.

``schemas.py`` says what is accepted, ``answers.py`` what is answered, ``operations.py`` how a call runs (key, limit,
body, one transaction), ``routes/`` which calls there are, ``problems.py`` how a refusal looks, ``openapi.py`` writes
it all down.
"""
