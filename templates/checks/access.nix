# Access designs; each alone.
_: { }
