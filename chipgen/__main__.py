"""``python -m chipgen``."""

from __future__ import annotations

from chipgen.cli import main

if __name__ == "__main__":
    main()
