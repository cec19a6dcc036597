"""The embedded event log: a folder that keeps rows for good, in order, for many readers."""
