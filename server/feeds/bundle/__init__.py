"""A bundle: a directory or a zip on a stick, signed as The Update Framework says (python-tuf).

    metadata/1.root.json ...        whose keys count, and how many of them; signed by the root keys, which stay in a safe
    metadata/timestamp.json         which snapshot is the newest, and until when that may be believed
    metadata/N.snapshot.json        which list belongs to it
    metadata/N.targets.json         the files: length, SHA-256, feed, kind, date of the data, licence
    targets/<sha256>.<name>         the files as their publishers made them

The fingerprint of the first root file is what the centre is told by hand; everything else follows from it.
"""
