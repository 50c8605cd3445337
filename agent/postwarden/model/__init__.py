"""The nouns: immutable typed values that cross module borders. Imports msgspec and errors only."""
