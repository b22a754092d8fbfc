"""Matrix products: op, fusion rule, kernel."""
