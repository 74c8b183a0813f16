"""Is this collector fit to be relied on? Asked of the running thing, before and after it goes into service."""
