"""What a programme comes to, day by day: totals that the staff's overview reads instead of a year of orders."""
