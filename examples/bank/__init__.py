"""A bank that answers a payment file: pain.001.001.09 in, pain.002.001.10 and camt.053.001.08 out.

`instruction.py` reads the order, `rulings.py` decides which payments fail, `status_report.py` and
`statement.py` render what the bank sends back, `books.py` keeps the account between two files,
`answering.py` ties them together.
"""
