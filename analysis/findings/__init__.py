"""What a reader must be told in words: verdicts and warnings, worked out from the records."""
