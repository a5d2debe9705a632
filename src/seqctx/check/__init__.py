"""What is wrong in a file: rules over the file and what is known beside it."""
