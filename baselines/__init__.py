"""JUDGE: compare a Snapshot with a baseline. Pure: no file of a target is opened here, no network, no clock."""
