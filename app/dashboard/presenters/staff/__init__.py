"""What the merchant's people see: tables first, every number with its why."""
