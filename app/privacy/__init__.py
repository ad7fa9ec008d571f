"""Personal data: how long it is kept (``rules.py``, ``retain.py``), what a person may have of it (``export.py``,
``readable.py``), and how it goes (``erasure.py``). ``partner_page.py`` is what a customer sees of their own partner.

The slice knows the tables of the slices below it; mails belong to an edge and come in through :class:`House`.
"""
