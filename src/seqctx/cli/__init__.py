"""The command line: one verb a stage; the only place that prints and exits."""
