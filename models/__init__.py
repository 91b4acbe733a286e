"""The recommendation models, their training, and the outcome tables that they become."""
