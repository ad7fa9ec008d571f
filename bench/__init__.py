"""What ``make bench`` runs: each ``bench_*.py`` has a ``run()`` that answers its figures and whether its bounds
held.
"""
