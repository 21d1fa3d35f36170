"""`fairlead check`: is a cluster fit for Fairlead, and does Fairlead do well in it.

Each module answers for one topic: a pure function from what was read to `Finding`s, and what reads
it. `run` asks for all of them.
"""
