"""What Linux's own files and tools say: one file per file format, tool or question that several facts share.

`facts/` asks; what is here understands the answer. Nothing here knows a level, a standard or a verdict.
"""
