"""`python -m docs.generate`."""

from docs.generate import FOLDER, write, write_record_schema

write(FOLDER)
write_record_schema()
