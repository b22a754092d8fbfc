"""The avatar without a browser: acting, drawing, model and display of the live page, in Python."""
