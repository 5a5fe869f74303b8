"""The failure library: schemes that a few actors play in the documents, and the truth about what each of them planted.

A scheme starts from a finished run and only adds documents, with identifiers of its own: the economy, its money and the
oracle stay as they are. Who plays and what is planted depends on seed and day alone, so a later end only adds rows.
"""

from sources.simulator.schemes.play import SCHEMES, plant_schemes

__all__ = ["SCHEMES", "plant_schemes"]
