"""Speed and accuracy measurements, with the plain reference program."""
