"""Two neighbours of Refledger for the demo and the tests: a shop that calls the public API, and a bank.

Neither imports the application: what they know of Refledger is what its contract says.
"""
