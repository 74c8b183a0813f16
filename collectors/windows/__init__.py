"""What Windows answers: collect.ps1, which asks, and what understands the document it writes.

One script per scan, because starting PowerShell costs more than all questions together. The script is dumb on purpose
(registry values, CIM rows, numbers as they are); every judgement about their shape is here, in Python that has tests.
No Windows machine has run it yet: every case under tests/cases/*/windows* is authored from documentation and says so.
"""
