"""On-boarding a feed: what an unknown file is, and a first draft of its mapping, each line with its evidence."""
