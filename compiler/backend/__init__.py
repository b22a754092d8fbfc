"""Program -> the folder of shaders, weights and runtimes."""
