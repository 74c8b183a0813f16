"""What answers on a network: approved ranges, the sweep, other tables, and how that differs from what is known (result.py).

Empty on purpose: nmap is started before what understands its answer is loaded.
"""
