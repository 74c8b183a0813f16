"""JUDGE an information system as a whole: its register, its machines' snapshots, what people answer for. Pure, like the rest of the room."""
