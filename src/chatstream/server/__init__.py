"""The process: everything that subclasses uvicorn, in one place."""
