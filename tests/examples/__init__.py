"""Tests of the demo's neighbours: the bank and the shop."""
