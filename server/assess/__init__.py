"""What it means: stored facts judged by the pack, kept verdicts, alarms."""
