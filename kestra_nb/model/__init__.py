"""The values that travel between the stages: frozen, without behaviour but their own."""
