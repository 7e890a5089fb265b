"""Change history: take one crisis or many back to a moment, and see what follows from there."""
