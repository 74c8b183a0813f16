"""Papers that people sign: made from the database as a Report (report.py), written as DOCX, PDF and XLSX by exports/."""
