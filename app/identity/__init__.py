"""People and keys: users, their sessions and roles, API keys of programmes, and the audit trail."""
