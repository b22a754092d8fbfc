"""Where the landmarks of photos and videos come from."""
