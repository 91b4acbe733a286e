"""From records to answers: metrics, intervals, figures and reports."""
