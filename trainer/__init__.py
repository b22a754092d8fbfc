"""Makes the checkpoint that the compiler is for: data, teacher, student, evaluation, int8 export."""
