"""Files of every kind with their truth, a driver for any folder of files, and a fuzzer."""
