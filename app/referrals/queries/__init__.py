"""Read models: what edges show, in selects that use an index."""
