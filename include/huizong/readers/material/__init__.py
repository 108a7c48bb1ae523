"""Parts that are no forms: how long a film runs, how large a picture is, what a press list names."""
