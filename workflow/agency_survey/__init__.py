"""Survey pipeline of the report: ingest, weights, design-based estimates, tables, figures and the book.

Rooms import one way: codebook, ingest, cleaning, design, weights, estimate, models, standin, disclosure,
ledger, tables, figures, render, build, cli. Statistics never touch files; scripts hold no statistics.
"""

__version__ = "0.1.0"
