"""Models, their training and weights, and the outcome tables that the simulation reads."""
