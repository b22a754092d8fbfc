"""What is computed (`graph`) and how (`program`), with their types, text forms and verifiers."""
