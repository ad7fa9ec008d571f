"""The double-entry journal: every movement of a referrer's money, append-only, in integer minor units."""
