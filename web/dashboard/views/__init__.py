"""The pages: each translates the request, asks once, and shows the answer."""
