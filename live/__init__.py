"""The avatar of a video, natively: landmarks, drawing, model and display of the live page, in Python."""
