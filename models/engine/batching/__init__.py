"""Which sequences a step computes together, and how long steps take."""
