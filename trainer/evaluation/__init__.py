"""What a checkpoint is worth: metrics, tables, pictures."""
