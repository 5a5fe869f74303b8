"""The outside world: contracts, deliveries, readers, and the raw lake they are loaded into."""
