"""Statements and tax documents: who a referrer is to the tax office (``profiles.py``), whether the VAT id holds
(``vies.py``), which document shows which money (``issuing.py``), what takes one back (``voiding.py``), and the bytes
(``pdf.py``, ``rendering.py``).
"""
