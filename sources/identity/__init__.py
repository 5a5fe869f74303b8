"""Identity: which delivered records may be one legal entity, with the evidence for each pair. Nothing is decided."""
