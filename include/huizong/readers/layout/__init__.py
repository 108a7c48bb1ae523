"""Forms in grids: labels find values, and one grammar says what a cell means."""
