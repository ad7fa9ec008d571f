"""The books as finance needs them: closed months, sealed days, what is owed, what was paid, and files for others."""
