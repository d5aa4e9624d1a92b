"""The archived replication package: what goes in, how it is made, and how it is proved from the zip file alone.

selection (what goes in, from config/archive.yaml), views and records (no record of files that users bring gets in), scan
(automatic checks), mapping (exhibit to rule, script and line), crate, readme, descriptions, codebooks (what is generated), bag
and zipping (the container), pack (make one), rebuild, verdicts, verify (prove one), compare (two of them).
"""
