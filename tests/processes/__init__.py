"""Tests of processes: what is started, killed and started again."""
