"""Does an evidence bundle hold? Read, held against itself and judged again, offline (docs/evidence.md).

The collector makes bundles (server/evidence); `rasoat verify` checks them with what lies here and nothing else: no Django, no
network, nobody's word. form.py says what a bundle holds, archive.py distrusts the ZIP, and each of the others one part of it.
"""
