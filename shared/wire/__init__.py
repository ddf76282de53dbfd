"""The public JSON both ways: what callers may send, what they get. PURE.

One file per thing on the wire; none of them reads or writes anything but its arguments.
"""
