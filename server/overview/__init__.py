"""The first page: how a part of the tree stands, and what to mend today. It only reads; every number leads to its list."""
