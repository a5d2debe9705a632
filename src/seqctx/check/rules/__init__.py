"""Rules by subject; importing a module registers its rules."""
