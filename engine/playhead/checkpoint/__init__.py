"""Checkpoints: what a query knew at the end of an epoch, kept where a crash does not reach it.

A checkpoint is a manifest (JSON, written last, whole) that names immutable files of Arrow IPC tables: the
state of every operator, as a base and the increments since; the positions of all sources; and what the
sinks have prepared. Nothing in it is pickled, so that opening one from somewhere else runs no code.
"""
