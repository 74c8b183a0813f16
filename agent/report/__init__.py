"""What a person or a program reads: one file per format, all from the same digest of the results."""
