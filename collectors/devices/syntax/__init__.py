"""How configuration texts are written: one tokenizer per family of systems. They know no fact and no maker's commands."""
