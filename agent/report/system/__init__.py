"""The report of an information system: one file per format, all from one SystemAssessment."""
