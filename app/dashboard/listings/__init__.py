"""Every list of staff, declared: its rows, its orders, its search, its columns as a file."""
