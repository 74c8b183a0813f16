"""Independent tools beside rasoat on one machine: running them, mapping what they say, writing the page."""
