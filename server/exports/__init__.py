"""What other registers take over: tables (CSV), GLPI's inventory format, NetBox' bulk import. Only what was seen is written."""
