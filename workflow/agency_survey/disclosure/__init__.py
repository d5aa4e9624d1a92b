"""Disclosure control: rules as data, suppression over linked tables, the attack that proves it, public-use microdata.

``rules`` says what is at risk; ``system`` links tables by their margins and shared cells; ``suppress`` hides the cheapest
cells; ``attack`` derives what an outsider can; ``watch`` and ``catalogue`` make the system of the book from the numbers
that its sections compute; ``published`` audits what was published; ``microdata`` reports on files of records.
"""
