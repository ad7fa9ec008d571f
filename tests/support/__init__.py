"""What tests start and look at: the running house, a browser."""
