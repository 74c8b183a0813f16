"""The four uses, played for real: commands, what they say, and pictures, written into docs/walkthroughs."""
