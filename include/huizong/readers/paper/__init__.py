"""Pages: printed, signed, scanned, photographed."""
