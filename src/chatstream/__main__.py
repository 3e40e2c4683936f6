"""``python -m chatstream`` is the command ``chatstream``."""

from chatstream.cli.main import main

if __name__ == "__main__":
    main()
