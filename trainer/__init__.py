"""Makes the checkpoint that ships: data, teacher, student, evaluation, int8 export."""
