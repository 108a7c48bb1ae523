"""`huizong bench`: how fast returns are received and validated, beside the naive way and the floor."""
