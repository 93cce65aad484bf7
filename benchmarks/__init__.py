"""Speed and memory of Qamtu against plain scripts over the same files, as ratios within one run.

`python -m benchmarks` measures and prints a table; `scenarios` says what is measured, `floors` holds the plain
scripts, `filings` makes the input, `measure` runs a command and watches it, `report` judges and lays out. Nothing
of the project imports this package.
"""
