"""Messages to people: kept in an outbox table with the change they tell of, rendered and sent by jobs."""
