"""One file per command of `rasoat`: its options, and what it does. Imported only when that command is asked for."""
