"""How good generated pictures are: one file a measure, confidence intervals, and the evaluations of a run."""
