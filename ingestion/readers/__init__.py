"""Files as senders write them -> tables of text. Casting and judging come later, in `rules`."""
