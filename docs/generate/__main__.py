"""`python -m docs.generate`."""

from docs.generate import FOLDER, write

write(FOLDER)
