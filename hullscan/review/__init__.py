"""The reading desk: AI reads first, people second; two, independent, with a minimum reading time."""
