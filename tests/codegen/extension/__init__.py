"""A team's own package of models, on the installed runtime."""
