"""What every slice stands on. Knows nothing of referrals."""
