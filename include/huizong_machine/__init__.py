"""Where the domain meets the machine: its clock, its environment, the console entry point."""
