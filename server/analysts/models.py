"""None: the views are no models. But Django tells only of apps with this file when migrations begin and end (signals.py)."""
