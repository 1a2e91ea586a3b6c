"""How the generator reads schemas: its own modules, copied as they are."""
