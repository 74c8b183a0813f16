"""The level dossier of an information system: gathered from register and reports, judged requirement by requirement, drawn, written."""
