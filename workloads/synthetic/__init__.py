"""The synthetic log: users whose interests drift, among items of Zipf appeal."""
