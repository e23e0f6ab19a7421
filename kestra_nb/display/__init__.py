"""Values for people: as plain data, as text, as HTML."""
